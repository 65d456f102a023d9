import { z } from 'zod';

export const DatasetSummary = z.object({
  name: z.string(),
  title: z.string(),
  kind: z.enum(['files', 'folder']),
  description: z.string(),
  licence: z.string(),
  origin: z.string(),
  obtain: z.string(),
  /** Whether all its files are in the cache; null for the user's own folders. */
  fetched: z.boolean().nullable(),
  /** Where its files are, or would be. */
  directory: z.string().nullable(),
  classes: z.array(z.string()),
  shape: z.object({ height: z.int(), width: z.int(), channels: z.int() }).nullable(),
  counts: z.object({ train: z.int(), test: z.int() }).nullable(),
});
export type DatasetSummary = z.infer<typeof DatasetSummary>;

/** `adctl datasets list` */
export const DatasetsListAnswer = z.array(DatasetSummary);
export type DatasetsListAnswer = z.infer<typeof DatasetsListAnswer>;

/** `adctl datasets show` */
export const DatasetsShowAnswer = DatasetSummary.extend({
  /** Present when the files could be opened. */
  opened: z
    .object({
      digest: z.string(),
      /** Images by class and part. */
      perClass: z.array(z.object({ class: z.string(), train: z.int(), test: z.int() })),
      /** The folder of `--root`. */
      root: z.string().optional(),
      /** With `--root`, of a set in the MVTec AD layout. */
      categories: z
        .array(
          z.object({
            category: z.string(),
            train: z.int(),
            /** Test images by kind of defect, `good` first. */
            test: z.record(z.string(), z.int()),
            masks: z.int(),
            sizes: z.array(z.object({ width: z.int(), height: z.int(), channels: z.int(), images: z.int() })),
            /** Why the category cannot be used, as far as names and headers tell. */
            problem: z.string().nullable(),
          }),
        )
        .optional(),
    })
    .optional(),
});
export type DatasetsShowAnswer = z.infer<typeof DatasetsShowAnswer>;

/** `adctl datasets fetch` */
export const DatasetsFetchAnswer = z.object({
  name: z.string(),
  directory: z.string(),
  /** True when nothing had to be fetched. */
  alreadyThere: z.boolean(),
  files: z.array(z.object({ name: z.string(), bytes: z.int(), sha256: z.string() })),
  /** Where it lies in the object store, with `--share`. */
  sharedAt: z.string().optional(),
});
export type DatasetsFetchAnswer = z.infer<typeof DatasetsFetchAnswer>;

/** `adctl datasets share` */
export const DatasetsShareAnswer = z.object({
  name: z.string(),
  digest: z.string(),
  /** What a sweep file writes as `dataset.root`; null for data sets that their name alone finds. */
  root: z.string().nullable(),
  files: z.int(),
  bytes: z.int(),
  sharedAt: z.string(),
  /** True when nothing had to be written. */
  alreadyThere: z.boolean(),
});
export type DatasetsShareAnswer = z.infer<typeof DatasetsShareAnswer>;

/** `adctl datasets make textures` */
export const DatasetsMakeTexturesAnswer = z.object({
  directory: z.string(),
  families: z.array(z.string()),
  images: z.int(),
  masks: z.int(),
});
export type DatasetsMakeTexturesAnswer = z.infer<typeof DatasetsMakeTexturesAnswer>;
