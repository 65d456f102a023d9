import { type Corruption, drawRegion, eachValue } from './corruption.js';

/** A negative. */
export const inversion: Corruption = {
  name: 'inversion',
  description: 'A rectangle of 3 to 15 % with every value v replaced by 255 - v.',
  apply({ source, shape, generator }) {
    const region = drawRegion(generator, shape, [0.03, 0.15]);
    const result = source.slice();
    eachValue(shape, region, (offset) => {
      result[offset] = 255 - source[offset]!;
    });
    return result;
  },
};
