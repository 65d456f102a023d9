import { hash } from 'node:crypto';
import type { ImageShape } from '../method.js';
import { type Hyperparameters, segmentCount } from './hyperparameters.js';
import { toLab } from './lab.js';
import { presmooth } from './presmooth.js';
import { type Superpixels, seedGrid, slic } from './slic.js';

/** Cuts images into superpixels. */
export interface Segmenter {
  /**
   * @param images `[batch, height, width, channels]` row-major in [0, 1].
   * @returns the superpixels of each image.
   */
  segment(images: Float32Array): Superpixels[];
}

/** What remembered superpixels may occupy. */
const CACHE_BYTES = 64 * 2 ** 20;

/**
 * Superpixels for the images of one model. An image is recognised by its content and cut once: training sees the same
 * images in every epoch, scoring the same ones for every score. The oldest are forgotten first.
 */
export function createSegmenter(h: Hyperparameters, input: ImageShape): Segmenter {
  const { height, width, channels } = input;
  const size = height * width * channels;
  const capacity = Math.max(1, Math.floor(CACHE_BYTES / (2 * height * width)));
  const known = new Map<string, Superpixels>();
  const grid = h.segmentation === 'grid' ? cutGrid(h, input) : null;

  const recall = (pixels: Float32Array): Superpixels => {
    const key = hash('sha1', pixels, 'base64');
    const remembered = known.get(key);
    if (remembered !== undefined) return remembered;
    const cut = cutWithSlic(h, input, pixels);
    const oldest = known.keys().next();
    if (known.size >= capacity && !oldest.done) known.delete(oldest.value);
    known.set(key, cut);
    return cut;
  };

  return {
    segment: (images) =>
      Array.from({ length: images.length / size }, (_, i) => grid ?? recall(images.subarray(i * size, (i + 1) * size))),
  };
}

function cutWithSlic(h: Hyperparameters, input: ImageShape, pixels: Float32Array): Superpixels {
  const { height, width, channels } = input;
  const image = toLab(presmooth(pixels, input, h.slicSmoothing), height, width, channels);
  return slic(image, {
    segments: segmentCount(h, input),
    compactness: h.compactness,
    iterations: h.slicIterations,
  });
}

/** Rectangles around the points where SLIC would put its seeds. */
export function cutGrid(h: Hyperparameters, input: ImageShape): Superpixels {
  const { height, width } = input;
  const { rows, columns } = seedGrid(height, width, segmentCount(h, input));
  const labels = new Uint16Array(height * width);
  for (let i = 0; i < labels.length; i++) {
    const row = Math.floor((Math.floor(i / width) * rows) / height);
    labels[i] = row * columns + Math.floor(((i % width) * columns) / width);
  }
  return { labels, count: rows * columns };
}
