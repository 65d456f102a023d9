import { type Corruption, eachValue } from './corruption.js';

/** Parts at the wrong place. */
export const quadrantSwap: Corruption = {
  name: 'quadrant-swap',
  description: 'Two of the four quadrants change places; in images of odd size the middle row or column stays.',
  apply({ source, shape, generator }) {
    const height = Math.floor(shape.height / 2);
    const width = Math.floor(shape.width / 2);
    const quadrant = (number: number) => ({
      top: number < 2 ? 0 : shape.height - height,
      left: number % 2 === 0 ? 0 : shape.width - width,
      height,
      width,
    });
    const [first = 0, second = 1] = generator.permutation(4);
    const a = quadrant(first);
    const b = quadrant(second);
    const shift = ((b.top - a.top) * shape.width + (b.left - a.left)) * shape.channels;
    const result = source.slice();
    eachValue(shape, a, (offset) => {
      result[offset] = source[offset + shift]!;
      result[offset + shift] = source[offset]!;
    });
    return result;
  },
};
