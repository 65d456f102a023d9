import * as tf from '@tensorflow/tfjs';

/** Features of training images, which a frozen teacher never changes. */
export interface TapCache {
  /**
   * The taps of a batch, one tensor a level, `[batch, ...]`; the caller disposes them.
   * @param positions which training images the batch holds.
   * @param compute the taps of the images at these places of the batch.
   */
  get(positions: Int32Array, compute: (places: Int32Array) => tf.Tensor4D[]): tf.Tensor4D[];
}

/**
 * A cache of at most that many bytes; images that find no room are computed every time.
 * @param shapes of one image's taps, without the batch.
 */
export function createTapCache(shapes: readonly (readonly number[])[], bytes: number): TapCache {
  const sizes = shapes.map((shape) => shape.reduce((product, side) => product * side, 1));
  const room = Math.floor(bytes / (4 * sizes.reduce((sum, size) => sum + size, 0)));
  const known = new Map<number, readonly Float32Array[]>();
  return {
    get(positions, compute) {
      if (room === 0) return compute(Int32Array.from(positions.keys()));
      const missing = Int32Array.from(positions.keys()).filter((place) => !known.has(positions[place]!));
      const fresh = new Map<number, readonly Float32Array[]>();
      if (missing.length > 0) {
        const taps = compute(missing);
        const values = taps.map((tap) => tap.dataSync() as Float32Array);
        tf.dispose(taps);
        for (const [i, place] of missing.entries()) {
          const own = values.map((all, level) => all.slice(i * sizes[level]!, (i + 1) * sizes[level]!));
          fresh.set(positions[place]!, own);
          if (known.size < room) known.set(positions[place]!, own);
        }
      }
      return shapes.map((shape, level) => {
        const batch = new Float32Array(positions.length * sizes[level]!);
        for (const [place, position] of positions.entries()) {
          batch.set((known.get(position) ?? fresh.get(position))![level]!, place * sizes[level]!);
        }
        return tf.tensor<tf.Rank.R4>(batch, [positions.length, ...shape] as [number, number, number, number]);
      });
    },
  };
}
