import type { ImageSource } from '../image-source.js';
import type { Localisation, TrueDefects } from '../localise.js';
import { createCanvas, type TileShape } from './canvas.js';

/** Images of each kind: by score the highest, the middle one and the lowest. */
const PER_KIND = 3;
/** Least side of a tile in pixels; small images are enlarged by a whole factor. */
const TILE_SIDE = 96;
const GAP = 4;
/** How far the map hides the image where it is highest. */
const MOST_COVER = 0.75;
const OUTLINE = [40, 200, 70] as const;

export interface MapSheetOptions {
  /** The test images. */
  readonly images: ImageSource;
  readonly truth: TrueDefects;
  readonly localisation: Localisation;
  /** The method's own test scores, which choose the images. */
  readonly scores: Float32Array;
}

/** An image on the sheet. */
export interface SheetEntry {
  readonly kind: string;
  /** Position in the test split. */
  readonly position: number;
  readonly score: number;
}

export interface MapSheet {
  readonly png: Uint8Array;
  readonly entries: readonly SheetEntry[];
  /** Map values drawn clear and full: over these images the median of normal pixels, and what one pixel in a thousand exceeds. */
  readonly range: readonly [number, number];
}

/**
 * Draws test images with their anomaly maps, a row a kind, good images first: those with the highest, the middle and the lowest
 * score (fewer where there are fewer). On the left the image; on the right the same in grey with the map over it, yellow to red,
 * and the outline of the true defect in green. All tiles share one range of values.
 */
export async function drawMapSheet(options: MapSheetOptions): Promise<MapSheet> {
  const { images, truth, localisation } = options;
  const entries = chooseEntries(options);
  const range = rangeOf(truth, localisation, entries);
  const { shape } = images;
  const pixels = await images.read(Int32Array.from(entries, ({ position }) => position));
  const scale = Math.max(1, Math.round(TILE_SIDE / Math.max(shape.height, shape.width)));
  const [tileHeight, tileWidth] = [shape.height * scale, shape.width * scale];
  const pair = 2 * tileWidth + 2 * GAP;
  const rows = [...Map.groupBy(entries, ({ kind }) => kind).values()];
  const canvas = createCanvas(PER_KIND * (pair + GAP) + GAP, rows.length * (tileHeight + GAP) + GAP);
  for (const [index, entry] of entries.entries()) {
    const { kind, position } = entry;
    const row = rows.findIndex(([first]) => first?.kind === kind);
    const left = GAP + rows[row]!.indexOf(entry) * (pair + GAP);
    const top = GAP + row * (tileHeight + GAP);
    canvas.draw(left, top, pixels, index, shape, scale);
    const overlay = overlayOf(pixels, index, position, shape, options, range);
    canvas.draw(left + tileWidth + GAP, top, overlay, 0, { ...shape, channels: 3 }, scale);
  }
  return { png: await canvas.toPng(), entries, range };
}

function chooseEntries({ truth, scores }: MapSheetOptions): SheetEntry[] {
  return truth.kinds.flatMap((kind, index) => {
    const own = [...truth.kindOf.keys()].filter((position) => truth.kindOf[position] === index);
    own.sort((a, b) => scores[b]! - scores[a]! || a - b);
    const shown = Math.min(PER_KIND, own.length);
    const ranks = Array.from({ length: shown }, (_, i) => Math.round((i * (own.length - 1)) / Math.max(1, shown - 1)));
    return ranks.map((rank) => ({ kind, position: own[rank]!, score: scores[own[rank]!]! }));
  });
}

function rangeOf(
  { masks, height, width }: TrueDefects,
  { maps }: Localisation,
  entries: readonly SheetEntry[],
): [number, number] {
  const positions = [...new Set(entries.map(({ position }) => position))];
  const pixelsOf = (position: number) =>
    Array.from({ length: height * width }, (_, pixel) => position * height * width + pixel);
  const shown = positions.flatMap(pixelsOf);
  const normal = Float32Array.from(
    shown.filter((at) => masks[at] === 0),
    (at) => maps[at]!,
  ).sort();
  const all = Float32Array.from(shown, (at) => maps[at]!).sort();
  const low = normal[Math.floor(normal.length / 2)] ?? all[0]!;
  const high = all[Math.min(all.length - 1, Math.floor(all.length * 0.999))]!;
  return [low, high > low ? high : low + 1];
}

/** RGB `[height, width, 3]`: the image in grey with its map and the outline of its mask. */
function overlayOf(
  pixels: Uint8Array,
  index: number,
  position: number,
  shape: TileShape,
  { truth, localisation }: MapSheetOptions,
  [low, high]: readonly [number, number],
): Uint8Array {
  const result = new Uint8Array(shape.height * shape.width * 3);
  const at = (row: number, column: number) =>
    (position * truth.height + Math.floor(row / truth.step)) * truth.width + Math.floor(column / truth.step);
  const isDefective = (row: number, column: number) =>
    row >= 0 && column >= 0 && row < shape.height && column < shape.width && truth.masks[at(row, column)] !== 0;
  for (let row = 0; row < shape.height; row++) {
    for (let column = 0; column < shape.width; column++) {
      const source = ((index * shape.height + row) * shape.width + column) * shape.channels;
      const light = brightness(pixels, source, shape.channels);
      const heat = Math.min(1, Math.max(0, (localisation.maps[at(row, column)]! - low) / (high - low)));
      const colour = [255, 230 * (1 - heat), 0];
      const target = (row * shape.width + column) * 3;
      const edge =
        isDefective(row, column) &&
        [
          [-1, 0],
          [1, 0],
          [0, -1],
          [0, 1],
        ].some(([down, right]) => !isDefective(row + down!, column + right!));
      for (let channel = 0; channel < 3; channel++) {
        const value = light + (colour[channel]! - light) * heat * MOST_COVER;
        result[target + channel] = edge ? OUTLINE[channel]! : Math.round(value);
      }
    }
  }
  return result;
}

function brightness(pixels: Uint8Array, at: number, channels: number): number {
  if (channels < 3) return pixels[at]!;
  return 0.299 * pixels[at]! + 0.587 * pixels[at + 1]! + 0.114 * pixels[at + 2]!;
}
