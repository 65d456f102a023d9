/** Types of test-steps.mjs for tests; the script itself runs before anything is built. */
export function whyNotRun(
  step: { readonly name: string; readonly onDemand?: string },
  plan: { readonly args: readonly string[] } | { readonly missing: string },
  isNamed: boolean,
): string | undefined;
