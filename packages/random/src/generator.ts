import { deriveSeed } from './derive-seed.js';

/** Everything needed to continue a stream exactly: four 32-bit words and the spare normal draw, JSON-safe. */
export interface GeneratorState {
  readonly words: readonly [number, number, number, number];
  /** The second value of the last Box-Muller pair when it was not handed out yet. */
  readonly spareNormal: number | null;
}

/** A seeded stream of random numbers (xoshiro128++, Blackman and Vigna 2019). Not for secrets. */
export interface RandomGenerator {
  /** Next integer, uniform in [0, 2^32). */
  uint32(): number;
  /** Next float64, uniform in [0, 1) with 53 random bits. */
  uniform(): number;
  /** Next float64 from N(0, 1) (Box-Muller). */
  normal(): number;
  /** Next integer, uniform in [0, bound) without modulo bias. @throws RangeError when bound is not an integer in 1..2^32. */
  integer(bound: number): number;
  /** A new array with the values in random order (Fisher-Yates); the argument is left alone. */
  shuffled<T>(values: readonly T[]): T[];
  /** A random permutation of 0..length-1. */
  permutation(length: number): Int32Array;
  /** Fills `target` with N(0, 1) draws and returns it. */
  fillNormal(target: Float32Array): Float32Array;
  /** Fills `target` with uniform draws in [low, high) and returns it. */
  fillUniform(target: Float32Array, low: number, high: number): Float32Array;
  /** The current state; the stream goes on unaffected. */
  state(): GeneratorState;
  /** Continues from a saved state. */
  restore(state: GeneratorState): void;
}

/** Creates a generator; equal seeds and labels give equal streams. */
export function createGenerator(seed: number, ...labels: readonly (string | number)[]): RandomGenerator {
  let a = deriveSeed(seed, ...labels, 'word', 0);
  let b = deriveSeed(seed, ...labels, 'word', 1);
  let c = deriveSeed(seed, ...labels, 'word', 2);
  let d = deriveSeed(seed, ...labels, 'word', 3) | 1; // never the all-zero state, from which the stream cannot leave
  let spare: number | null = null;

  const rotl = (x: number, k: number) => (x << k) | (x >>> (32 - k));
  const uint32 = () => {
    const result = (rotl((a + d) | 0, 7) + a) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotl(d, 11);
    return result;
  };
  const uniform = () => ((uint32() >>> 5) * 0x4000000 + (uint32() >>> 6)) / 0x20000000000000;
  const normal = () => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  const integer = (bound: number) => {
    if (!Number.isInteger(bound) || bound < 1 || bound > 0x100000000) {
      throw new RangeError(`bound must be an integer in 1..2^32, got ${bound}`);
    }
    const limit = 0x100000000 - (0x100000000 % bound);
    let value = uint32();
    while (value >= limit) value = uint32();
    return value % bound;
  };

  return {
    uint32,
    uniform,
    normal,
    integer,
    shuffled<T>(values: readonly T[]): T[] {
      const result = values.slice();
      for (let i = result.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        const held = result[i] as T;
        result[i] = result[j] as T;
        result[j] = held;
      }
      return result;
    },
    permutation(length) {
      const result = Int32Array.from({ length }, (_, i) => i);
      for (let i = length - 1; i > 0; i--) {
        const j = integer(i + 1);
        const held = result[i]!;
        result[i] = result[j]!;
        result[j] = held;
      }
      return result;
    },
    fillNormal(target) {
      for (let i = 0; i < target.length; i++) target[i] = normal();
      return target;
    },
    fillUniform(target, low, high) {
      for (let i = 0; i < target.length; i++) target[i] = low + (high - low) * uniform();
      return target;
    },
    state: () => ({ words: [a >>> 0, b >>> 0, c >>> 0, d >>> 0], spareNormal: spare }),
    restore(state) {
      [a, b, c, d] = state.words;
      spare = state.spareNormal;
    },
  };
}
