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

/**
 * The value of a JSON text from outside; the text itself when it is none. Readers parse by schema anyway, so a sender's
 * mistake fails there, where it can be named, and ends nobody's process.
 */
export function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
