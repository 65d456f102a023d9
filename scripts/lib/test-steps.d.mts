/** Types of test-steps.mjs for tests; the script itself runs before anything is built. */
export function skippedOf(report: {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly status: string;
      readonly ancestorTitles: readonly string[];
      readonly title: string;
    }[];
  }[];
}): string[];
