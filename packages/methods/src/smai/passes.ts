import type { Superpixels } from './slic.js';

/** Which pass over the image hides each superpixel. */
export interface PassPlan {
  /** Pass of every pixel, row-major, 0..count-1. */
  readonly passOfPixel: Uint16Array;
  readonly count: number;
}

/** One pass per superpixel, as the method is defined. */
export function planSinglePasses({ labels, count }: Superpixels): PassPlan {
  return { passOfPixel: labels, count };
}

/**
 * Hides superpixels together that are neither neighbours nor neighbours of neighbours: the adjacency graph is coloured
 * greedily, in label order, with the smallest colour that is free. 12 to 20 passes instead of one per superpixel.
 */
export function planGroupedPasses(superpixels: Superpixels, width: number): PassPlan {
  const neighbours = findNeighbours(superpixels, width);
  const colours = new Int32Array(superpixels.count).fill(-1);
  let count = 0;
  for (let label = 0; label < superpixels.count; label++) {
    const taken = new Set<number>();
    for (const near of neighbours[label]!) {
      taken.add(colours[near]!);
      for (const far of neighbours[near]!) taken.add(colours[far]!);
    }
    let colour = 0;
    while (taken.has(colour)) colour++;
    colours[label] = colour;
    count = Math.max(count, colour + 1);
  }
  return { passOfPixel: superpixels.labels.map((label) => colours[label]!), count };
}

/** Labels that share a border, by label. */
export function findNeighbours({ labels, count }: Superpixels, width: number): ReadonlySet<number>[] {
  const neighbours = Array.from({ length: count }, () => new Set<number>());
  const touch = (p: number, q: number) => {
    if (p === q) return;
    neighbours[p]!.add(q);
    neighbours[q]!.add(p);
  };
  for (let i = 0; i < labels.length; i++) {
    if (i % width < width - 1) touch(labels[i]!, labels[i + 1]!);
    if (i + width < labels.length) touch(labels[i]!, labels[i + width]!);
  }
  return neighbours;
}

/** Consecutive images whose passes run together. */
export interface PassGroup {
  readonly firstImage: number;
  readonly imageCount: number;
  /** Usually one; several when a single image has more passes than fit. */
  readonly chunks: readonly PassChunk[];
}

/** Passes that go through the network as one batch. */
export interface PassChunk {
  /** Image of every pass, counted from the group's first. */
  readonly images: Int32Array;
  /** Which pass of that image. */
  readonly passes: Int32Array;
}

/**
 * Packs the passes of a batch of images into chunks of at most `limit`: whole images together while they fit, an image
 * with more passes alone in several chunks.
 *
 * @param counts passes of each image.
 */
export function groupPasses(counts: readonly number[], limit: number): PassGroup[] {
  const groups: PassGroup[] = [];
  let first = 0;
  while (first < counts.length) {
    let end = first + 1;
    let total = counts[first]!;
    while (end < counts.length && total + counts[end]! <= limit) total += counts[end++]!;
    const pairs = Array.from({ length: end - first }, (_, image) =>
      Array.from({ length: counts[first + image]! }, (_, pass) => [image, pass] as const),
    ).flat();
    const chunks: PassChunk[] = [];
    for (let start = 0; start < pairs.length; start += limit) {
      const part = pairs.slice(start, start + limit);
      chunks.push({
        images: Int32Array.from(part, ([image]) => image),
        passes: Int32Array.from(part, ([, pass]) => pass),
      });
    }
    groups.push({ firstImage: first, imageCount: end - first, chunks });
    first = end;
  }
  return groups;
}
