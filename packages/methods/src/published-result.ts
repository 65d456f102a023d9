/** What a published figure measures; `aurocDefective` is the pixel AUROC over the defective images alone. */
export const PUBLISHED_METRICS = ['auroc', 'pixelAuroc', 'aurocDefective', 'pro'] as const;
export type PublishedMetric = (typeof PUBLISHED_METRICS)[number];

/**
 * Which class the figure is about. Protocols that train on one class name the normal one, or `mean` over all that the
 * paper tried; leave-one-out names the anomalous one, all others being normal.
 */
export type PublishedClass = { readonly normal: string } | { readonly anomalous: string };

/** A figure somebody published, with where we read it. */
export type PublishedResult = PublishedClass & {
  readonly dataset: string;
  readonly protocol: string;
  readonly metric: PublishedMetric;
  /** In [0, 1]. */
  readonly value: number;
  readonly source: string;
  /** Known from memory alone, never read: it stands on the card, but beside no number of ours. */
  readonly recalled: boolean;
  /** Whether anybody but the authors has publicly reproduced it. */
  readonly reproduced: boolean;
};

/** One figure per class, e.g. `{ bottle: 0.86 }`, all from one place. */
export function publishedRows(
  facts: Pick<PublishedResult, 'dataset' | 'protocol' | 'metric' | 'source'> & { readonly recalled?: boolean },
  values: Readonly<Record<string, number>>,
): (PublishedResult & { readonly normal: string })[] {
  const common = { recalled: false, ...facts, reproduced: false };
  return Object.entries(values).map(([normal, value]) => ({ ...common, normal, value }));
}
