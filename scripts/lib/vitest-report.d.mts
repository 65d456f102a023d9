/** Types of vitest-report.mjs for tests; the script itself runs before anything is built. */
export interface TestOutcome {
  readonly status: string;
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly failureMessages?: readonly string[];
}
export function skippedOf(report: {
  readonly testResults: readonly { readonly assertionResults: readonly TestOutcome[] }[];
}): string[];
export function failedOf(
  report: {
    readonly testResults: readonly {
      readonly name: string;
      readonly status: string;
      readonly message?: string;
      readonly assertionResults: readonly TestOutcome[];
    }[];
  },
  root: string,
): string[];
