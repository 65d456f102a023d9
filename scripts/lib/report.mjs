/** Something the user can mend; printed without a stack. */
export class SetupProblem extends Error {
  /**
   * @param {string} message what is wrong and what to do
   * @param {number} exitCode default 2: the CLI's "bad input"
   */
  constructor(message, exitCode = 2) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Does one step and prints one line with its time.
 *
 * @template T
 * @param {string} title
 * @param {() => Promise<{ note?: string, value?: T }>} work `note` is printed behind the title
 * @returns {Promise<T | undefined>}
 */
export async function step(title, work) {
  const start = Date.now();
  const { note, value } = await work();
  const suffix = note === undefined ? '' : `: ${note}`;
  process.stderr.write(`✓ ${title}${suffix} (${seconds(Date.now() - start)})\n`);
  return value;
}

/** `1.2 s`, `3 min 4 s`. */
export function seconds(milliseconds) {
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  const whole = Math.round(milliseconds / 1000);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
