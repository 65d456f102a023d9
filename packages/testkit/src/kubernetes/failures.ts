import type { Fields } from './objects.js';

/** An answer that is not a success: becomes a Status object. */
export class Refusal extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly details: Fields = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }

  toStatus(): Fields {
    const { code, reason, message, details } = this;
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code };
  }
}

export const notFound = (plural: string, name: string) =>
  new Refusal(404, 'NotFound', `${plural} "${name}" not found`, { name, kind: plural });
export const alreadyExists = (plural: string, name: string) =>
  new Refusal(409, 'AlreadyExists', `${plural} "${name}" already exists`, { name, kind: plural });
export const conflict = (plural: string, name: string, why: string) =>
  new Refusal(409, 'Conflict', `Operation cannot be fulfilled on ${plural} "${name}": ${why}`, { name, kind: plural });
export const badRequest = (message: string) => new Refusal(400, 'BadRequest', message);
export const forbidden = (message: string) => new Refusal(403, 'Forbidden', message);
export const expired = (message: string) => new Refusal(410, 'Expired', message);

/** What is wrong with a field of an object. */
export interface Cause {
  readonly reason: 'FieldValueRequired' | 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueNotSupported';
  readonly field: string;
  readonly message: string;
}

export function invalid(kind: string, name: string, causes: readonly Cause[]): Refusal {
  const words = causes.map(({ field, message }) => `${field}: ${message}`).join(', ');
  return new Refusal(422, 'Invalid', `${kind} "${name}" is invalid: ${words}`, {
    name,
    kind,
    causes: causes.map((cause) => ({ ...cause })),
  });
}
