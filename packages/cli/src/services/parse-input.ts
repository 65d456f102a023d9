import { userError } from '@adctl/protocol';
import type { InputShape } from '../answers/methods.js';

/**
 * Reads an image size as people write it.
 *
 * @param text `HEIGHTxWIDTHxCHANNELS`, e.g. `32x32x3`; channels 1 or 3
 * @throws AdctlError user `bad_input_shape`
 */
export function parseInput(text: string): InputShape {
  const match = /^(\d{1,4})x(\d{1,4})x([13])$/.exec(text);
  const [height = 0, width = 0, channels = 0] = match === null ? [] : match.slice(1).map(Number);
  if (height < 1 || width < 1) {
    throw userError('bad_input_shape', `"${text}" is not an image size.`, {
      hint: 'Write HEIGHTxWIDTHxCHANNELS with 1 or 3 channels, e.g. --input 32x32x1.',
    });
  }
  return { height, width, channels };
}
