import { z } from 'zod';

const architecture = {
  /** What sweeps write as the backbone's name. */
  architecture: z.string(),
  title: z.string(),
};

/** Weights in the cache. */
export const CachedBackbone = z.object({
  ...architecture,
  /** What sweeps write as `weights`, and what trials are identified by. */
  sha256: z.string(),
  path: z.string(),
  bytes: z.int(),
  /** Whether the ImageNet classifier came along. */
  hasClasses: z.boolean(),
});
export type CachedBackbone = z.infer<typeof CachedBackbone>;

/** An architecture, whether or not weights of it are in the cache. */
export const KnownBackbone = z.object({
  ...architecture,
  /** Who publishes weights in this layout. */
  published: z.string(),
  /** Parameters up to the last feature. */
  parameters: z.int(),
  taps: z.array(z.string()),
});
export type KnownBackbone = z.infer<typeof KnownBackbone>;

/** `adctl backbones list` */
export const BackbonesListAnswer = z.object({ known: z.array(KnownBackbone), cached: z.array(CachedBackbone) });
export type BackbonesListAnswer = z.infer<typeof BackbonesListAnswer>;

/** `adctl backbones show` */
export const BackbonesShowAnswer = KnownBackbone.extend({
  weights: CachedBackbone.nullable(),
  /** Mean and deviation of every channel that pixels in [0, 1] are normalised with. */
  normalization: z.object({ mean: z.array(z.number()), deviation: z.array(z.number()) }),
  /** Height, width and channels of each feature for images of 224 x 224. */
  features: z.array(z.object({ tap: z.string(), shape: z.array(z.int()) })),
});
export type BackbonesShowAnswer = z.infer<typeof BackbonesShowAnswer>;

/** `adctl backbones import` */
export const BackbonesImportAnswer = CachedBackbone.extend({
  source: z.string(),
  /** Of the whole file that was given. */
  sourceSha256: z.string(),
  /** True when these weights were in the cache before. */
  alreadyThere: z.boolean(),
  /** Where they lie in the object store, with `--share`. */
  sharedAt: z.string().optional(),
  /** Tensors taken over. */
  used: z.int(),
  /** Names of tensors that nothing here needs. */
  ignored: z.array(z.string()),
  /** Element types of the tensors taken over, as they were stored. */
  dtypes: z.array(z.string()),
  notes: z.array(z.string()),
});
export type BackbonesImportAnswer = z.infer<typeof BackbonesImportAnswer>;
