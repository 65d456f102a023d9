/** Types of methods-table.mjs for tests; the script itself runs before anything is built. */
export const BEGIN: string;
export const END: string;
export function renderTables(
  board: { readonly groups: readonly object[] },
  methods: readonly { readonly name: string; readonly family: string }[],
  expected: Readonly<Record<string, Readonly<Record<string, string>>>>,
): string;
export function replaceTables(page: string, tables: string): string;
