import { type Corruption, drawRegion, eachValue, toByte, uniformIn } from './corruption.js';

/** A rough spot. */
export const noisePatch: Corruption = {
  name: 'noise-patch',
  description: 'Gaussian noise with a standard deviation of 60 to 120 grey levels added to a rectangle of 4 to 20 %.',
  apply({ source, shape, generator }) {
    const region = drawRegion(generator, shape, [0.04, 0.2]);
    const sigma = uniformIn(generator, 60, 120);
    const result = source.slice();
    eachValue(shape, region, (offset) => {
      result[offset] = toByte(source[offset]! + sigma * generator.normal());
    });
    return result;
  },
};
