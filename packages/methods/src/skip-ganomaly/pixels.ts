import * as tf from '@tensorflow/tfjs';
import { cropImages, padImages, toSigned } from '../kit/images.js';
import type { ImageShape } from '../method.js';
import { geometryOf } from './geometry.js';
import type { Hyperparameters } from './hyperparameters.js';

type Resize = Hyperparameters['resize'];

/**
 * Images as the networks see them: `[batch, side, side, channels]` in [-1, 1], in a black frame or resized bilinearly.
 * @param images `[batch, height, width, channels]` in [0, 1].
 */
export function toNetworkPixels(images: tf.Tensor4D, resize: Resize): tf.Tensor4D {
  return tf.tidy(() => {
    const [, height, width, channels] = images.shape;
    const { side } = geometryOf({ height, width, channels });
    const signed = toSigned(images);
    return resize === 'pad'
      ? padImages(signed, side, side, -1)
      : tf.image.resizeBilinear(signed, [side, side], false, true);
  });
}

/** Undoes `toNetworkPixels` in space: `[batch, side, side, c]` to the input's height and width. */
export function toInputFrame(pixels: tf.Tensor4D, { height, width }: ImageShape, resize: Resize): tf.Tensor4D {
  return resize === 'pad'
    ? cropImages(pixels, height, width)
    : tf.image.resizeBilinear(pixels, [height, width], false, true);
}
