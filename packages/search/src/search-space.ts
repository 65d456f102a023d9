/** A finite or continuous source of one hyperparameter's values, plain data as written in a sweep file. */
export type Distribution =
  | { readonly values: readonly unknown[] }
  | { readonly range: { readonly from: number; readonly to: number; readonly step?: number; readonly count?: number; readonly scale?: 'linear' | 'log' } };

/** All distributions of a method by hyperparameter name. */
export type SearchSpace = Readonly<Record<string, Distribution>>;
