import type { Model } from '@adctl/methods';
import type { TestSet } from '../evaluate.js';
import { toImages } from '../image-source.js';
import { createCanvas } from './canvas.js';

/** Images a row. */
const COLUMNS = 12;
/** Least side of a tile in pixels; small images are enlarged by a whole factor, so that their pixels stay sharp. */
const TILE_SIDE = 84;
const GAP = 4;
const BORDER = 3;
/** Border colours by label: blue normal, red anomalous, as in the charts. */
const BORDER_OF_LABEL = [
  [31, 95, 168],
  [194, 69, 45],
] as const;

export interface SheetOptions {
  readonly model: Pick<Model, 'reconstruct'>;
  readonly test: TestSet;
  /** The method's own test scores. */
  readonly scores: Float32Array;
}

/**
 * Draws the most anomalous test images (first rows, highest score first) and the least anomalous ones (last rows, lowest
 * score first) as a PNG. Below each image stand its reconstruction and their absolute difference, where the method
 * reconstructs. The border tells the true label: blue normal, red anomalous; a blue border in the first row and a red one
 * in the last are the mistakes.
 */
export async function drawSheet({ model, test, scores }: SheetOptions): Promise<Uint8Array> {
  const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
  const columns = Math.min(COLUMNS, order.length);
  const groups = [order.slice(0, columns), order.slice(-columns).reverse()];
  const { shape } = test.images;
  const scale = Math.max(1, Math.round(TILE_SIDE / Math.max(shape.height, shape.width)));
  const rowsOfGroups = await Promise.all(groups.map((positions) => rowsOf(model, test, Int32Array.from(positions))));

  const cell = { width: shape.width * scale + 2 * BORDER + GAP, height: shape.height * scale + 2 * BORDER + GAP };
  const rowCount = rowsOfGroups.reduce((sum, rows) => sum + rows.length, 0);
  const width = columns * cell.width + GAP;
  const height = rowCount * cell.height + GAP + 4 * GAP; // a wider gap between the groups
  const canvas = createCanvas(width, height);

  let top = GAP;
  for (const [group, rows] of rowsOfGroups.entries()) {
    for (const tiles of rows) {
      for (const [column, position] of groups[group]!.entries()) {
        const left = GAP + column * cell.width;
        const border = BORDER_OF_LABEL[test.split.labels[position] === 0 ? 0 : 1]!;
        canvas.fill(left, top, cell.width - GAP, cell.height - GAP, border);
        canvas.draw(left + BORDER, top + BORDER, tiles, column, shape, scale);
      }
      top += cell.height;
    }
    top += 4 * GAP;
  }
  return await canvas.toPng();
}

/** Rows of tiles, uint8 `[images, height, width, channels]` each: the images, reconstructions, differences. */
async function rowsOf(model: SheetOptions['model'], test: TestSet, positions: Int32Array): Promise<Uint8Array[]> {
  const pixels = await test.images.read(positions);
  if (model.reconstruct === undefined) return [pixels];
  const images = toImages(pixels, test.images.shape);
  const reconstructed = model.reconstruct(images);
  images.dispose();
  const values = await reconstructed.data();
  reconstructed.dispose();
  const reconstruction = Uint8Array.from(values, (value) => Math.round(255 * Math.min(1, Math.max(0, value))));
  return [pixels, reconstruction, pixels.map((value, i) => Math.abs(value - reconstruction[i]!))];
}
