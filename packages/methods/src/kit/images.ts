import { userError } from '@adctl/protocol';
import * as tf from '@tensorflow/tfjs';
import type { ImageShape } from '../method.js';
import { scalar } from './scalars.js';

/**
 * Refuses images that the model was not built for.
 * @throws AdctlError `wrong_image_shape` (user) naming both shapes.
 */
export function assertImageShape(images: tf.Tensor, expected: ImageShape): void {
  const { height, width, channels } = expected;
  const wanted = [height, width, channels];
  if (images.rank === 4 && images.shape.slice(1).join() === wanted.join()) return;
  const got = images.shape.join('x');
  throw userError(
    'wrong_image_shape',
    `the model takes images of shape [batch, ${wanted.join(', ')}], got [${images.shape.join(', ')}]`,
    {
      hint: `Give it ${wanted.join('x')} images, or create the model for ${images.rank === 4 ? images.shape.slice(1).join('x') : got} ones.`,
      details: { expected: wanted, got: images.shape },
    },
  );
}

/** [0, 1] -> [-1, 1]. */
export function toSigned<T extends tf.Tensor>(images: T): T {
  return tf.tidy(() => tf.sub(tf.mul(images, scalar(2)), scalar(1)) as T);
}

/** [-1, 1] -> [0, 1]. */
export function fromSigned<T extends tf.Tensor>(images: T): T {
  return tf.tidy(() => tf.mul(tf.add(images, scalar(1)), scalar(0.5)) as T);
}

/**
 * Puts images in the middle of a larger frame; an odd difference puts the extra row or column at the bottom or right.
 * @param value of the frame.
 */
export function padImages(images: tf.Tensor4D, height: number, width: number, value: number): tf.Tensor4D {
  const [top, left] = margins(images, height, width);
  const [, h, w] = images.shape;
  return tf.pad4d(
    images,
    [
      [0, 0],
      [top, height - h - top],
      [left, width - w - left],
      [0, 0],
    ],
    value,
  );
}

/** The middle of images: undoes `padImages`. */
export function cropImages(images: tf.Tensor4D, height: number, width: number): tf.Tensor4D {
  const [, h, w, channels] = images.shape;
  return tf.slice4d(
    images,
    [0, Math.floor((h - height) / 2), Math.floor((w - width) / 2), 0],
    [-1, height, width, channels],
  );
}

function margins(images: tf.Tensor4D, height: number, width: number): [number, number] {
  return [Math.floor((height - images.shape[1]) / 2), Math.floor((width - images.shape[2]) / 2)];
}
