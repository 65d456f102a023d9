/** Characters of JSON; far below the payload that any NATS server takes, and about where fetching becomes as cheap. */
const MOST_CHARACTERS = 16_384;

/** Whether a value may travel inside a message; a larger one goes by reference. */
export function fitsMessage(value: unknown): boolean {
  return JSON.stringify(value).length <= MOST_CHARACTERS;
}
