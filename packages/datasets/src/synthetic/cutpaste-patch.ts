import { type Corruption, drawRegion, eachValue, placeRegion, toByte, uniformIn } from './corruption.js';

/** After CutPaste (Li et al. 2021, arXiv:2104.04015), with patches from other images too and a jitter of the brightness only. */
export const cutpastePatch: Corruption = {
  name: 'cutpaste-patch',
  description: 'A rectangle of 2 to 15 % of a normal image, brightness changed by up to 20 %, pasted at another place.',
  apply({ source, donor, shape, generator }) {
    const from = drawRegion(generator, shape, [0.02, 0.15]);
    const to = placeRegion(generator, shape, from);
    const gain = uniformIn(generator, 0.8, 1.2);
    const shift = ((from.top - to.top) * shape.width + (from.left - to.left)) * shape.channels;
    const result = source.slice();
    eachValue(shape, to, (offset) => {
      result[offset] = toByte(gain * donor[offset + shift]!);
    });
    return result;
  },
};
