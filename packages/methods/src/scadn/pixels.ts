import type * as tf from '@tensorflow/tfjs';
import { cropImages, padImages } from '../kit/images.js';
import type { ImageShape } from '../method.js';

/** Black borders around images that the generator cannot take. */
export function toFrame(images: tf.Tensor4D, { height, width }: ImageShape): tf.Tensor4D {
  const [, h, w] = images.shape;
  return h === height && w === width ? images : padImages(images, height, width, 0);
}

/** Undoes `toFrame`. */
export function fromFrame(pictures: tf.Tensor4D, { height, width }: ImageShape): tf.Tensor4D {
  const [, h, w] = pictures.shape;
  return h === height && w === width ? pictures : cropImages(pictures, height, width);
}
