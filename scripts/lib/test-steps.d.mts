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
export function whyNotRun(
  step: { readonly name: string; readonly onDemand?: string },
  plan: { readonly args: readonly string[] } | { readonly missing: string },
  isNamed: boolean,
): string | undefined;
