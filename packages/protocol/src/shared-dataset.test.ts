import { describe, expect, test } from 'vitest';
import { sha256 } from './digest.js';
import { SharedManifest, sharedDigest, sharedRoot } from './shared-dataset.js';

const manifestOf = (path: string) => ({
  version: 1,
  files: [{ path, bytes: 1, sha256: sha256('x') }],
  basis: {},
});

describe('the manifest of a shared data set', () => {
  test.each(['train-images', 'mesh/train/good/000.png', 'a b/ü.png', '..a/b..'])('may name %j', (path) => {
    expect(SharedManifest.safeParse(manifestOf(path)).success).toBe(true);
  });

  test.each(['', '/etc/passwd', '../x', 'a/../../x', 'a/./x', 'a//x', 'a/', '..', 'a\\..\\x', 'a\0b'])(
    'leads nowhere else: %j is refused',
    (path) => {
      expect(SharedManifest.safeParse(manifestOf(path)).success).toBe(false);
    },
  );
});

test('a root is a folder unless it names a digest', () => {
  const digest = sha256('x');

  expect(sharedDigest(sharedRoot(digest))).toBe(digest);
  for (const root of [undefined, '/data', 'shared:', `shared:${digest}/x`, `shared:${digest.toUpperCase()}`]) {
    expect(sharedDigest(root)).toBeUndefined();
  }
});
