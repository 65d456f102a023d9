import { badValue } from './errors.js';

/**
 * JSON text of a value.
 * @param what how the message calls it.
 * @throws AdctlError bug `bad_json_value` for what JSON cannot carry (undefined, functions, cycles, bigint).
 */
export function toJson(value: unknown, what: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    if (error instanceof TypeError) throw badValue(what, error);
    throw error;
  }
  if (text === undefined) throw badValue(what);
  return text;
}
