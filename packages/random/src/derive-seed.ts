/**
 * Derives an independent 32-bit seed from a parent seed and labels, so that every consumer of chance (weights, batch
 * order, noise, splits, bootstrap) has its own stream and adding one never shifts another.
 *
 * @param seed any safe integer.
 * @param labels what the stream is for, e.g. `('weights', 'encoder')`; order matters and numbers equal their decimal text.
 * @returns an unsigned 32-bit integer; the same arguments always give the same value.
 */
export function deriveSeed(seed: number, ...labels: readonly (string | number)[]): number {
  // FNV-1a over the text, then the murmur3 finalizer: FNV alone leaves neighbouring seeds correlated in the high bits.
  let hash = 0x811c9dc5;
  const text = [seed, ...labels].join('\u001f');
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
