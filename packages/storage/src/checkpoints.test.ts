import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointPrefix, headKey, manifestKey, sha256 } from '@adctl/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadNewestCheckpoint } from './checkpoint-loading.js';
import { pruneCheckpoints } from './checkpoint-pruning.js';
import { aCheckpoint, createFaultyStore, sweep, trial } from './checkpoints.fixtures.js';
import { commitCheckpoint, readHead } from './checkpoints.js';
import { createFilesystemStore } from './filesystem/index.js';
import { PART_BYTES } from './large-objects.js';
import type { ObjectStore } from './object-store.js';

let root: string;
let store: ObjectStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'adctl-checkpoints-'));
  store = createFilesystemStore(root);
});
afterEach(() => rm(root, { recursive: true }));

const load = () => loadNewestCheckpoint(store, sweep, trial);
const contentOf = async (name: string) => Buffer.from((await load()).checkpoint?.files.get(name) ?? []).toString();
async function keys(prefix = 'v1/ckpt/'): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) found.push(key);
  return found;
}

describe('commit', () => {
  it('stores the files, the manifest with their sizes and hashes, and the head', async () => {
    const committed = await commitCheckpoint(store, aCheckpoint(1, 20));
    const manifestBytes = (await store.get(manifestKey(sweep, trial, 1, 20)))?.content ?? Buffer.alloc(0);

    expect(committed).toEqual({ manifestKey: manifestKey(sweep, trial, 1, 20), sha256: sha256(manifestBytes) });
    expect(JSON.parse(Buffer.from(manifestBytes).toString())).toEqual({
      version: 1,
      sweep,
      trial,
      attempt: 1,
      epoch: 2,
      step: 20,
      threads: 2,
      files: [
        {
          key: `${checkpointPrefix(sweep, trial, 1, 20)}model.safetensors`,
          bytes: 12,
          sha256: sha256('weights 1 20'),
        },
        {
          key: `${checkpointPrefix(sweep, trial, 1, 20)}state.json`,
          bytes: 11,
          sha256: sha256('{"step":20}'),
          contentType: 'application/json',
        },
      ],
    });
    expect((await readHead(store, sweep, trial)).head).toMatchObject({ attempt: 1, step: 20, ...committed });
  });

  it('moves the head forward by step and by attempt', async () => {
    await commitCheckpoint(store, aCheckpoint(1, 20));
    await commitCheckpoint(store, aCheckpoint(1, 30));
    expect((await readHead(store, sweep, trial)).head).toMatchObject({ attempt: 1, step: 30 });
    await commitCheckpoint(store, aCheckpoint(2, 10));

    expect((await readHead(store, sweep, trial)).head).toMatchObject({ attempt: 2, step: 10 });
  });

  it('does not let a fenced attempt win the head, and tells it who did', async () => {
    await commitCheckpoint(store, aCheckpoint(2, 10));

    expect(await commitCheckpoint(store, aCheckpoint(1, 500))).toMatchObject({ fencedBy: 2 });
    expect((await readHead(store, sweep, trial)).head).toMatchObject({ attempt: 2, step: 10 });
    expect((await load()).checkpoint?.manifest).toMatchObject({ attempt: 2, step: 10 });
  });

  it('settles two attempts that commit at once for the later one', async () => {
    await Promise.all(
      [50, 60, 70].flatMap((step) => [1, 2].map((attempt) => commitCheckpoint(store, aCheckpoint(attempt, step)))),
    );

    expect((await readHead(store, sweep, trial)).head).toMatchObject({ attempt: 2, step: 70 });
  });

  it('may be repeated', async () => {
    const first = await commitCheckpoint(store, aCheckpoint(1, 20));

    expect(await commitCheckpoint(store, aCheckpoint(1, 20))).toEqual(first);
  });

  it('refuses other content under the same attempt and step, and leaves the first whole', async () => {
    await commitCheckpoint(store, aCheckpoint(1, 20));
    const other = aCheckpoint(1, 20, { files: [{ name: 'model.safetensors', content: Buffer.from('other') }] });

    await expect(commitCheckpoint(store, other)).rejects.toMatchObject({ code: 'checkpoint_conflict', kind: 'bug' });
    expect(await contentOf('model.safetensors')).toBe('weights 1 20');
  });

  it('replaces a torn head', async () => {
    await store.put(headKey(sweep, trial), Buffer.from('{"attempt":'));
    await commitCheckpoint(store, aCheckpoint(1, 20));

    expect((await readHead(store, sweep, trial)).head).toMatchObject({ attempt: 1, step: 20 });
  });

  it('writes large files in parts', async () => {
    const content = Buffer.alloc(PART_BYTES + 1000, 'x');
    await commitCheckpoint(store, aCheckpoint(1, 20, { files: [{ name: 'large', content }] }));

    expect(content.equals((await load()).checkpoint?.files.get('large') ?? Buffer.alloc(0))).toBe(true);
  });

  it('stops between files when the signal is aborted', async () => {
    const reason = new Error('the claim was lost');

    await expect(commitCheckpoint(store, aCheckpoint(1, 20, { signal: AbortSignal.abort(reason) }))).rejects.toBe(
      reason,
    );
    expect(await keys()).toEqual([]);
  });
});

describe.each(['before', 'after'] as const)('a fault at every step of a commit, %s the call took effect', (moment) => {
  it('leaves the old checkpoint or the new one to resume from, and a repeat finishes it', async () => {
    const fault = new Error('the network went away');
    let faults = 0;
    for (let failAt = 1; ; failAt += 1) {
      await rm(root, { recursive: true, force: true });
      await commitCheckpoint(store, aCheckpoint(1, 10));
      const faulty = createFaultyStore(store, failAt, moment, fault);
      const outcome = await commitCheckpoint(faulty.store, aCheckpoint(1, 20)).catch((error: unknown) => error);
      if (faulty.calls() < failAt) break;

      faults += 1;
      expect(outcome).toBe(fault);
      const { checkpoint, skipped } = await load();
      const manifestThere = (await store.head(manifestKey(sweep, trial, 1, 20))) !== null;
      expect(checkpoint?.manifest.step).toBe(manifestThere ? 20 : 10);
      expect(skipped).toEqual([]);

      // The same attempt tries again; and so might the next one, from wherever it resumed.
      await commitCheckpoint(store, aCheckpoint(1, 20));
      expect((await load()).checkpoint?.manifest).toMatchObject({ attempt: 1, step: 20 });
      await commitCheckpoint(store, aCheckpoint(2, 20));
      expect((await readHead(store, sweep, trial)).head).toMatchObject({ attempt: 2, step: 20 });
    }
    // Two files, the manifest, reading and writing the head.
    expect(faults).toBe(5);
  });
});

describe('load', () => {
  it('finds nothing where nothing was committed', async () => {
    await store.put(`${checkpointPrefix(sweep, trial, 1, 20)}model.safetensors`, Buffer.from('no manifest yet'));

    expect(await load()).toEqual({ checkpoint: null, skipped: [] });
  });

  it('takes the newest manifest when the head is behind, torn or missing', async () => {
    await commitCheckpoint(store, aCheckpoint(1, 20));
    const behind = (await store.get(headKey(sweep, trial)))?.content ?? Buffer.alloc(0);
    await commitCheckpoint(store, aCheckpoint(1, 30));

    for (const head of [behind, Buffer.from('torn'), null]) {
      if (head === null) await store.delete(headKey(sweep, trial));
      else await store.put(headKey(sweep, trial), head);
      expect((await load()).checkpoint?.manifest.step).toBe(30);
    }
    expect(await contentOf('state.json')).toBe('{"step":30}');
  });

  it.each<[string, (prefix: string) => Promise<unknown>, string]>([
    ['a file is missing', (prefix) => store.delete(`${prefix}model.safetensors`), 'is missing'],
    [
      'a file is short',
      (prefix) => store.put(`${prefix}model.safetensors`, Buffer.from('wei')),
      'has 3 bytes instead of 12',
    ],
    [
      'a file has other bytes',
      (prefix) => store.put(`${prefix}model.safetensors`, Buffer.from('weights 9 30')),
      'another content',
    ],
    ['the manifest is torn', (prefix) => store.put(`${prefix}MANIFEST.json`, Buffer.from('{"version"')), 'no manifest'],
    [
      'the manifest is gone but the head names it',
      (prefix) => store.delete(`${prefix}MANIFEST.json`),
      'manifest is missing',
    ],
    [
      'the manifest is another checkpoint’s',
      async (prefix) => {
        const other = await store.get(manifestKey(sweep, trial, 1, 20));
        await store.put(`${prefix}MANIFEST.json`, other?.content ?? Buffer.alloc(0));
      },
      'belongs to another checkpoint',
    ],
    [
      'the manifest names a file elsewhere',
      async (prefix) => {
        const own = await store.get(`${prefix}MANIFEST.json`);
        const text = Buffer.from(own?.content ?? [])
          .toString()
          .replaceAll('/s30/', '/s20/');
        await store.put(`${prefix}MANIFEST.json`, Buffer.from(text));
      },
      'lies elsewhere',
    ],
  ])('passes over a checkpoint of which %s, and says so', async (_what, damage, reason) => {
    await commitCheckpoint(store, aCheckpoint(1, 20));
    await commitCheckpoint(store, aCheckpoint(1, 30));
    await damage(checkpointPrefix(sweep, trial, 1, 30));

    const { checkpoint, skipped } = await load();
    expect(checkpoint?.manifest.step).toBe(20);
    expect(skipped).toEqual([
      { manifestKey: manifestKey(sweep, trial, 1, 30), reason: expect.stringContaining(reason) },
    ]);
  });

  it('does not take a store that fails for a damaged checkpoint', async () => {
    await commitCheckpoint(store, aCheckpoint(1, 20));
    const fault = new Error('the network went away');

    for (let failAt = 1; failAt <= 4; failAt += 1) {
      const faulty = createFaultyStore(store, failAt, 'before', fault);
      await expect(loadNewestCheckpoint(faulty.store, sweep, trial)).rejects.toBe(fault);
    }
  });
});

describe('prune', () => {
  const steps = async () =>
    (await keys()).flatMap((key) => /a(\d+)\/s(\d+)\/MANIFEST/.exec(key)?.slice(1).join('.') ?? []);

  it('keeps the newest and the head’s, and deletes all files of the others', async () => {
    for (const step of [10, 20, 30, 40, 50]) await commitCheckpoint(store, aCheckpoint(1, step));
    const deleted = await pruneCheckpoints(store, { sweep, trial, attempt: 1 });

    expect(await steps()).toEqual(['1.40', '1.50']);
    expect(deleted).toEqual([10, 20, 30].map((step) => checkpointPrefix(sweep, trial, 1, step)));
    expect(await keys()).toHaveLength(6);
    expect(await pruneCheckpoints(store, { sweep, trial, attempt: 1 })).toEqual([]);
  });

  it('counts a later attempt’s checkpoints as newer', async () => {
    for (const step of [80, 90]) await commitCheckpoint(store, aCheckpoint(1, step));
    for (const step of [10, 20]) await commitCheckpoint(store, aCheckpoint(2, step));
    await pruneCheckpoints(store, { sweep, trial, attempt: 2 });

    expect(await steps()).toEqual(['2.10', '2.20']);
  });

  it('takes what earlier attempts left without a manifest, never what this or a later one is writing', async () => {
    for (const attempt of [1, 2, 3]) {
      await store.put(`${checkpointPrefix(sweep, trial, attempt, 70)}model.safetensors`, Buffer.from('half'));
    }
    await pruneCheckpoints(store, { sweep, trial, attempt: 2 });

    expect(await keys()).toEqual([
      `${checkpointPrefix(sweep, trial, 2, 70)}model.safetensors`,
      `${checkpointPrefix(sweep, trial, 3, 70)}model.safetensors`,
    ]);
  });

  it('deletes the manifest first: a crash in the middle leaves nothing torn to resume from', async () => {
    const fault = new Error('killed');
    for (let failAt = 1; ; failAt += 1) {
      await rm(root, { recursive: true, force: true });
      for (const step of [10, 20, 30]) await commitCheckpoint(store, aCheckpoint(1, step));
      const faulty = createFaultyStore(store, failAt, 'before', fault);
      const outcome = await pruneCheckpoints(faulty.store, { sweep, trial, attempt: 1, keepLast: 1 }).catch(
        () => 'killed',
      );
      if (outcome !== 'killed') break;

      const { checkpoint, skipped } = await load();
      expect(checkpoint?.manifest.step).toBe(30);
      expect(skipped).toEqual([]);
      for (const place of await steps()) {
        const prefix = `v1/ckpt/${sweep}/${trial}/a${place.replace('.', '/s')}/`;
        expect((await keys(prefix)).length).toBe(3);
      }
      // What is left is taken by the next attempt's pruning.
      await commitCheckpoint(store, aCheckpoint(2, 40));
      await pruneCheckpoints(store, { sweep, trial, attempt: 2, keepLast: 1 });
      expect(await keys()).toHaveLength(3);
    }
  });
});
