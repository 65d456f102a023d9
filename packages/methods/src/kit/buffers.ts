import { AdctlError } from '@adctl/protocol';
import type { BufferContent, ModelBuffer } from '../method.js';

/** A buffer that holds nothing until it is written. */
export function createBuffer(): ModelBuffer {
  let content: BufferContent = { shape: [0], data: new Float32Array(0) };
  return {
    read: () => content,
    write(next) {
      content = next;
    },
  };
}

/** Whether nothing was written to the buffer yet. */
export function isEmpty(buffer: ModelBuffer): boolean {
  return buffer.read().data.length === 0;
}

/**
 * What a fitted buffer holds.
 * @throws AdctlError `not_fitted` (bug) when it holds nothing: the model was used before `fit`.
 */
export function fittedContent(buffer: ModelBuffer, what: string): BufferContent {
  if (!isEmpty(buffer)) return buffer.read();
  throw new AdctlError(`${what} is asked for before the model was fitted`, { code: 'not_fitted', kind: 'bug' });
}
