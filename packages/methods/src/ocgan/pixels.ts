import * as tf from '@tensorflow/tfjs';
import { cropImages, fromSigned, padImages, toSigned } from '../kit/images.js';
import type { ImageShape } from '../method.js';
import type { Geometry } from './networks.js';

/**
 * Images as the networks see them: `[batch, side, side, channels]` in [-1, 1].
 * `native32` pads with black (-1); `paper61` resizes bilinearly after scaling and copies grey to RGB (spec 2, 3.1).
 * @param images `[batch, height, width, channels]` in [0, 1].
 */
export function toNetworkPixels(images: tf.Tensor4D, geometry: Geometry): tf.Tensor4D {
  return tf.tidy(() => {
    const signed = toSigned(images);
    if (geometry.padding === 'same') return padImages(signed, geometry.side, geometry.side, -1);
    const colour = signed.shape[3] === 1 ? tf.tile(signed, [1, 1, 1, 3]) : signed;
    return tf.image.resizeBilinear(colour, [geometry.side, geometry.side], false, true);
  });
}

/** Undoes `toNetworkPixels` for pictures and maps: `[batch, side, side, c]` to the input's height and width; c unchanged. */
export function toInputFrame(pixels: tf.Tensor4D, input: ImageShape, geometry: Geometry): tf.Tensor4D {
  return geometry.padding === 'same'
    ? cropImages(pixels, input.height, input.width)
    : tf.image.resizeBilinear(pixels, [input.height, input.width], false, true);
}

/** Reconstructions for people: `[batch, height, width, channels]` in [0, 1]; RGB of a grey input is averaged back. */
export function toInputPixels(pixels: tf.Tensor4D, input: ImageShape, geometry: Geometry): tf.Tensor4D {
  return tf.tidy(() => {
    const framed = fromSigned(toInputFrame(pixels, input, geometry));
    return input.channels === framed.shape[3] ? framed : (tf.mean(framed, 3, true) as tf.Tensor4D);
  });
}
