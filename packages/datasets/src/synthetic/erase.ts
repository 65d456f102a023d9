import { type Corruption, drawRegion, eachValue } from './corruption.js';

/** A missing piece. */
export const erase: Corruption = {
  name: 'erase',
  description: "A rectangle of 5 to 20 % filled with the median of the image's outermost pixels, channel by channel.",
  apply({ source, shape, generator }) {
    const region = drawRegion(generator, shape, [0.05, 0.2]);
    const background = Array.from({ length: shape.channels }, (_, channel) => borderMedian(source, shape, channel));
    const result = source.slice();
    eachValue(shape, region, (offset, channel) => {
      result[offset] = background[channel]!;
    });
    return result;
  },
};

function borderMedian(
  image: Uint8Array,
  { height, width, channels }: { readonly height: number; readonly width: number; readonly channels: number },
  channel: number,
): number {
  const values: number[] = [];
  for (let row = 0; row < height; row++) {
    const isEdgeRow = row === 0 || row === height - 1;
    for (let column = 0; column < width; column += isEdgeRow ? 1 : width - 1) {
      values.push(image[(row * width + column) * channels + channel]!);
    }
  }
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
