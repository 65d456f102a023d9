import type { WriteOptions } from '../object-store.js';

/** One call is one try here. @throws what calls the write off. */
export function mayStillWrite({ signal, beforeTry }: WriteOptions): void {
  signal?.throwIfAborted();
  beforeTry?.();
}
