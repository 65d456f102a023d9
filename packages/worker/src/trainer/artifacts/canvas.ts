import sharp from 'sharp';

export type Colour = readonly [red: number, green: number, blue: number];

/** Size of the images that are drawn on a canvas. */
export interface TileShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** An RGB picture in memory, white at first. */
export interface Canvas {
  fill(left: number, top: number, width: number, height: number, colour: Colour): void;
  /** Draws image `index` of `tiles`, uint8 `[images, height, width, channels]`, enlarged without smoothing. */
  draw(left: number, top: number, tiles: Uint8Array, index: number, shape: TileShape, scale: number): void;
  toPng(): Promise<Uint8Array>;
}

export function createCanvas(width: number, height: number): Canvas {
  const pixels = new Uint8Array(width * height * 3).fill(255);
  const set = (x: number, y: number, [red, green, blue]: Colour) => {
    const at = (y * width + x) * 3;
    pixels[at] = red;
    pixels[at + 1] = green;
    pixels[at + 2] = blue;
  };
  return {
    fill(left, top, w, h, colour) {
      for (let y = top; y < top + h; y++) for (let x = left; x < left + w; x++) set(x, y, colour);
    },
    draw(left, top, tiles, index, shape, scale) {
      const start = index * shape.height * shape.width * shape.channels;
      for (let y = 0; y < shape.height * scale; y++) {
        for (let x = 0; x < shape.width * scale; x++) {
          const pixel = Math.floor(y / scale) * shape.width + Math.floor(x / scale);
          const at = start + pixel * shape.channels;
          const red = tiles[at]!;
          set(left + x, top + y, shape.channels < 3 ? [red, red, red] : [red, tiles[at + 1]!, tiles[at + 2]!]);
        }
      }
    },
    toPng: () =>
      sharp(pixels, { raw: { width, height, channels: 3 } })
        .png({ compressionLevel: 9 })
        .toBuffer(),
  };
}
