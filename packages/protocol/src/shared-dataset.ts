import { z } from 'zod';
import { Sha256 } from './ids.js';
import { ImageSize } from './image-size.js';

/** Data sets that lie in the object store, for every controller and worker of a deployment. */

/** Below the data set's folder, with `/`; it can lead nowhere else. */
const RelativePath = z
  .string()
  .min(1)
  .refine(
    (path) => path.split('/').every((segment) => !['', '.', '..'].includes(segment)) && !/[\\\0]/.test(path),
    'must be a path below the folder',
  );

/**
 * What a sweep is planned with, without the data: the object at `sharedDatasetKey`. Written once, after everything it speaks
 * of; a data set is shared when it is there.
 */
export const SharedDataset = z.object({
  version: z.literal(1),
  /** Name in the data set registry. */
  name: z.string(),
  kind: z.enum(['files', 'folder']),
  /** The data set's digest at the image size `shape`. */
  digest: Sha256,
  /** Which reader turns the files into these pixels and labels; another one makes another data set of them. */
  reader: z.string(),
  classes: z.array(z.string()).min(1),
  /** Kinds of defect, `good` first, where the data set tells them. */
  defects: z.array(z.string()).optional(),
  /** Image size as stored; for folders the one that a sweep gets when it asks for none. */
  shape: ImageSize,
  counts: z.object({ train: z.int().min(0), test: z.int().min(0) }),
  files: z.int().min(1),
  bytes: z.int().min(0),
  /** Of the manifest, which lies at `sharedFileKey`. */
  manifest: Sha256,
});
export type SharedDataset = z.infer<typeof SharedDataset>;

/** The files of a shared data set, each at the `sharedFileKey` of its digest. */
export const SharedManifest = z.object({
  version: z.literal(1),
  files: z.array(z.object({ path: RelativePath, bytes: z.int().min(0), sha256: Sha256 })).min(1),
  /** What the data set's digest covers beside the image size. */
  basis: z.record(z.string(), z.unknown()),
});
export type SharedManifest = z.infer<typeof SharedManifest>;

const SHARED_ROOT = /^shared:([0-9a-f]{64})$/;

/** What `dataset.root` says instead of a folder: images that were shared under this digest. */
export const sharedRoot = (digest: Sha256) => `shared:${digest}`;

/** The digest that a `dataset.root` names; undefined for a folder. */
export function sharedDigest(root: string | undefined): Sha256 | undefined {
  return SHARED_ROOT.exec(root ?? '')?.[1] as Sha256 | undefined;
}
