/**
 * Copies chosen images out of a row-major block.
 *
 * @param pixels uint8 `[count, imageBytes]`.
 * @param indices positions, any order, repeats allowed.
 * @returns uint8 `[indices.length, imageBytes]`, a fresh buffer.
 * @throws RangeError when a position is not in 0..count-1.
 */
export function gatherImages(pixels: Uint8Array, imageBytes: number, count: number, indices: Int32Array): Uint8Array {
  const result = new Uint8Array(indices.length * imageBytes);
  indices.forEach((index, position) => {
    checkPosition(index, count);
    result.set(pixels.subarray(index * imageBytes, (index + 1) * imageBytes), position * imageBytes);
  });
  return result;
}

/** @throws RangeError when `index` is not a position of a subset with `count` images: the caller's bug. */
export function checkPosition(index: number, count: number): void {
  if (!(index >= 0 && index < count)) throw new RangeError(`image ${index} is not in 0..${count - 1}`);
}
