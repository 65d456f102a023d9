import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createFilesystemStore } from './filesystem-store.js';

const segment = fc.stringMatching(/^[ab.=_-]{1,3}$/).filter((text) => text !== '.' && text !== '..');
const key = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join('/'));

/** Leaves out keys below which other keys lie: a folder can't also be a file. */
const withoutParents = (keys: readonly string[]) => keys.filter((a) => !keys.some((b) => b.startsWith(`${a}/`)));

it('lists as filtering and sorting all keys would, for any prefix and start', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(key, { maxLength: 12 }), key, fc.nat(12), key, async (drawn, other, cut, after) => {
      const root = await mkdtemp(join(tmpdir(), 'adctl-list-'));
      try {
        const store = createFilesystemStore(root);
        const keys = withoutParents(drawn);
        for (const stored of keys) await store.put(stored, Buffer.from(stored), { ifAbsent: true });
        const prefixes = ['', other.slice(0, cut), (keys[0] ?? '').slice(0, cut)].filter(isPrefix);
        for (const prefix of prefixes) {
          for (const start of ['', after, keys[1] ?? '']) {
            const listed: string[] = [];
            for await (const info of store.list(prefix, { after: start })) listed.push(info.key);
            expect(listed).toEqual(keys.filter((stored) => stored.startsWith(prefix) && stored > start).sort());
          }
        }
      } finally {
        await rm(root, { recursive: true });
      }
    }),
    { numRuns: 60 },
  );
});

/** Whether a text cut from a key may be asked for: `a/..` can still become `a/...`, but `../` begins no key. */
const isPrefix = (prefix: string) =>
  prefix
    .split('/')
    .slice(0, -1)
    .every((part) => part !== '' && part !== '.' && part !== '..');
