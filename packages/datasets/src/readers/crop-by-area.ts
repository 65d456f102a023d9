import type { ImageShape } from '../dataset.js';

/**
 * Brings an image to a size: cuts the longer side (relative to the asked-for shape) equally at both ends, then makes every pixel
 * the mean of the source area it covers. What OpenCV calls INTER_AREA.
 *
 * @param pixels uint8 `[from.height, from.width, channels]`.
 * @returns uint8 `[to.height, to.width, channels]`.
 */
export function cropByArea(
  pixels: Uint8Array,
  from: { readonly height: number; readonly width: number },
  to: ImageShape,
): Uint8Array {
  const scale = Math.min(from.height / to.height, from.width / to.width);
  const rows = spans(from.height, to.height, scale);
  const columns = spans(from.width, to.width, scale);
  const { channels } = to;
  const narrow = new Float64Array(from.height * to.width * channels);
  for (let row = 0; row < from.height; row++) {
    for (const [column, parts] of columns.entries()) {
      for (let channel = 0; channel < channels; channel++) {
        const sum = parts.reduce(
          (total, { at, share }) => total + share * pixels[(row * from.width + at) * channels + channel]!,
          0,
        );
        narrow[(row * to.width + column) * channels + channel] = sum;
      }
    }
  }
  const result = new Uint8Array(to.height * to.width * channels);
  for (const [row, parts] of rows.entries()) {
    for (let value = 0; value < to.width * channels; value++) {
      const sum = parts.reduce((total, { at, share }) => total + share * narrow[at * to.width * channels + value]!, 0);
      result[row * to.width * channels + value] = Math.round(sum);
    }
  }
  return result;
}

/** For each target position, the source positions under it with their shares, which add up to 1. */
function spans(from: number, to: number, scale: number): { readonly at: number; readonly share: number }[][] {
  const margin = (from - to * scale) / 2;
  return Array.from({ length: to }, (_, position) => {
    const start = Math.max(0, margin + position * scale);
    const end = Math.min(from, margin + (position + 1) * scale);
    const parts: { at: number; share: number }[] = [];
    for (let at = Math.floor(start); at < end; at++) {
      const covered = Math.min(at + 1, end) - Math.max(at, start);
      if (covered > 0) parts.push({ at, share: covered / (end - start) });
    }
    return parts;
  });
}
