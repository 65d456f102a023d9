import * as tf from '@tensorflow/tfjs';
import { scalar } from '../kit/scalars.js';
import type { ImageShape } from '../method.js';
import type { Inpaint } from './inpaint.js';
import { composite } from './losses.js';
import { groupPasses, type PassChunk, type PassPlan } from './passes.js';
import type { ErrorKind } from './score-names.js';
import { ssimMap } from './ssim.js';

/** What is wanted of the restored superpixels: their errors, or the pixels themselves. */
export type Restoration = ErrorKind | 'picture';

/** Passes in one batch: 16 of 256x256 pixels, 64 of 64x64, at most 256. */
export function passLimit({ height, width }: ImageShape): number {
  return Math.min(256, Math.max(16, Math.floor(2 ** 18 / (height * width))));
}

/**
 * Hides and restores the superpixels of every image, pass by pass, and puts together what each pass says about the
 * pixels that it hid: every pixel is written exactly once.
 *
 * @param images `[batch, height, width, channels]`; @param plans one for each image.
 * @returns for each thing wanted `[batch, height * width]` (`picture`: `[batch, height * width * channels]`); the caller
 *   disposes them.
 */
export function restoreAll<Wanted extends Restoration>(
  inpaint: Inpaint,
  images: tf.Tensor4D,
  plans: readonly PassPlan[],
  wanted: readonly Wanted[],
): Record<Wanted, tf.Tensor2D> {
  return tf.tidy(() => {
    const [, height, width, channels] = images.shape;
    const groups = groupPasses(
      plans.map((plan) => plan.count),
      passLimit({ height, width, channels }),
    );
    const assembled = groups.map(({ firstImage, imageCount, chunks }) =>
      tf.tidy(() => {
        const pixels = tf.slice4d(images, [firstImage, 0, 0, 0], [imageCount, -1, -1, -1]);
        const passOfPixel = stackPasses(plans.slice(firstImage, firstImage + imageCount), height, width);
        const parts = chunks.map((chunk) => tf.tidy(() => restoreChunk(inpaint, pixels, passOfPixel, chunk, wanted)));
        return wanted.map((_, i) => tf.addN(parts.map((part) => part[i]!)));
      }),
    );
    const whole = wanted.map((name, i) => [name, tf.concat(assembled.map((group) => group[i]!))] as const);
    return Object.fromEntries(whole) as Record<Wanted, tf.Tensor2D>;
  });
}

function stackPasses(plans: readonly PassPlan[], height: number, width: number): tf.Tensor4D {
  const values = new Int32Array(plans.length * height * width);
  for (const [i, plan] of plans.entries()) values.set(plan.passOfPixel, i * height * width);
  return tf.tensor4d(values, [plans.length, height, width, 1], 'int32');
}

function restoreChunk(
  inpaint: Inpaint,
  images: tf.Tensor4D,
  passOfPixel: tf.Tensor4D,
  { images: imageOf, passes }: PassChunk,
  wanted: readonly Restoration[],
): tf.Tensor[] {
  const count = passes.length;
  const indices = tf.tensor1d(imageOf, 'int32');
  const pixels = tf.gather(images, indices) as tf.Tensor4D;
  const current = tf.tensor4d(passes, [count, 1, 1, 1], 'int32');
  const hidden = tf.cast(tf.equal(tf.gather(passOfPixel, indices), current), 'float32') as tf.Tensor4D;
  const restored = inpaint(pixels, hidden, 'infer');
  // Row i picks the passes of image i. Each pixel is hidden in one of them, so the sums have a single term.
  const rows = tf.expandDims(tf.range(0, images.shape[0], 1, 'int32'), 1);
  const membership = tf.cast(tf.equal(rows, indices), 'float32') as tf.Tensor2D;
  return wanted.map((name) => {
    const values = tf.mul(measure(name, pixels, restored, hidden), hidden);
    return tf.matMul(membership, tf.reshape(values, [count, -1]) as tf.Tensor2D);
  });
}

/** `[passes, height, width, 1]` of errors, or the restored pixels themselves. */
function measure(name: Restoration, x: tf.Tensor4D, o: tf.Tensor4D, hidden: tf.Tensor4D): tf.Tensor {
  switch (name) {
    case 'l2':
      return tf.mean(tf.squaredDifference(o, x), 3, true);
    case 'ssim':
      return tf.expandDims(tf.sub(scalar(1), ssimMap(composite(x, o, hidden), x)), 3);
    case 'picture':
      return o;
  }
}
