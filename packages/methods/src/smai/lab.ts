/** One colour channel of an image, row-major. */
type Plane = Float32Array;

/** An image in CIELAB, one plane a channel: L in [0, 100], a and b roughly in [-110, 110]. */
export interface LabImage {
  readonly height: number;
  readonly width: number;
  readonly planes: readonly [lightness: Plane, a: Plane, b: Plane];
}

/**
 * sRGB to CIELAB with the D65 white (0.95047, 1, 1.08883).
 *
 * @param pixels `[height, width, channels]` row-major in [0, 1]; one channel is grey, three are red, green, blue.
 */
export function toLab(pixels: Float32Array, height: number, width: number, channels: number): LabImage {
  const size = height * width;
  const planes = [new Float32Array(size), new Float32Array(size), new Float32Array(size)] as const;
  const [green, blue] = channels === 1 ? [0, 0] : [1, 2];
  for (let i = 0; i < size; i++) {
    const at = i * channels;
    const r = linearize(pixels[at]!);
    const g = linearize(pixels[at + green]!);
    const b = linearize(pixels[at + blue]!);
    const x = compress((0.412453 * r + 0.35758 * g + 0.180423 * b) / 0.95047);
    const y = compress(0.212671 * r + 0.71516 * g + 0.072169 * b);
    const z = compress((0.019334 * r + 0.119193 * g + 0.950227 * b) / 1.08883);
    planes[0][i] = 116 * y - 16;
    planes[1][i] = 500 * (x - y);
    planes[2][i] = 200 * (y - z);
  }
  return { height, width, planes };
}

function linearize(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function compress(value: number): number {
  return value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116;
}
