import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../object-store.js';
import { createFaultyFileSystem } from './faulty-file-system.fixtures.js';
import { createFilesystemStore } from './filesystem-store.js';

let folder: string;
let root: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adctl-faults-'));
  root = join(folder, 'objects');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bytes = (text: string) => Buffer.from(text);
const text = async (store: ObjectStore, key: string) => {
  const object = await store.get(key);
  return object === null ? null : Buffer.from(object.content).toString();
};
const leftovers = async (name: string) => readdir(join(root, name)).catch(() => []);

describe('a full disk or a refused access, at every step', () => {
  const operations: Record<string, (store: ObjectStore, etag: string) => Promise<unknown>> = {
    put: (store) => store.put('a/b', bytes('new')),
    'put if absent': (store) => store.put('c/d', bytes('new'), { ifAbsent: true }),
    'put if match': (store, etag) => store.put('a/b', bytes('new'), { ifMatch: etag }),
    multipart: async (store) => {
      const upload = await store.createMultipart('c/d');
      await upload.putPart(1, bytes('n'));
      await upload.putPart(2, bytes('ew'));
      await upload.complete();
    },
  };
  const faults = [
    ['ENOSPC', 'storage_full', 'transient'],
    ['EACCES', 'storage_denied', 'permanent'],
    ['EIO', 'storage_broken', 'permanent'],
    ['EMFILE', 'storage_busy', 'transient'],
  ] as const;

  it.each(Object.keys(operations).flatMap((name) => faults.map((fault) => [name, ...fault] as const)))(
    '%s meets %s: says %s, leaves the old or the new object, and works the next time',
    async (name, errno, code, kind) => {
      const operation = operations[name] as (store: ObjectStore, etag: string) => Promise<unknown>;
      let failures = 0;
      for (let failAt = 1; ; failAt += 1) {
        await rm(root, { recursive: true, force: true });
        const plain = createFilesystemStore(root);
        const first = await plain.put('a/b', bytes('old'));
        const etag = first.written ? first.etag : '';
        const fs = createFaultyFileSystem(failAt, errno);
        const outcome = await operation(createFilesystemStore(root, fs), etag).then(
          () => null,
          (error: unknown) => error,
        );
        if (fs.calls() < failAt) break;

        failures += 1;
        expect(outcome).toMatchObject({ code, kind, details: { place: expect.stringContaining(root) } });
        expect(['old', 'new']).toContain(await text(plain, 'a/b'));
        expect([null, 'new']).toContain(await text(plain, 'c/d'));
        const current = await plain.head('a/b');
        await operation(plain, current?.etag ?? '');
      }
      expect(failures).toBeGreaterThan(5);
    },
  );

  it('reports a failed read with its place', async () => {
    await createFilesystemStore(root).put('a', bytes('x'));
    const store = createFilesystemStore(root, createFaultyFileSystem(1, 'EIO'));

    await expect(store.get('a')).rejects.toMatchObject({ code: 'storage_broken', details: { place: join(root, 'a') } });
  });
});

describe('links inside the store', () => {
  it('are not followed out of it, by any operation', async () => {
    const outside = join(folder, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'secret'), 'secret');
    await mkdir(root);
    await symlink(outside, join(root, 'v1'));
    await symlink(join(outside, 'secret'), join(root, 'link'));
    const store = createFilesystemStore(root);
    const refusal = { code: 'object_outside_root', kind: 'permanent' };

    await expect(store.put('v1/new', bytes('x'))).rejects.toMatchObject(refusal);
    await expect(store.put('v1/new', bytes('x'), { ifAbsent: true })).rejects.toMatchObject(refusal);
    await expect(store.get('v1/secret')).rejects.toMatchObject(refusal);
    await expect(store.delete('v1/secret')).rejects.toMatchObject(refusal);
    expect(await store.get('link')).toBeNull();
    const listed: string[] = [];
    for await (const { key } of store.list('')) listed.push(key);
    expect(listed).toEqual([]);
    expect(await readdir(outside)).toEqual(['secret']);
  });

  it('may lead to the store as a whole', async () => {
    await mkdir(root);
    await symlink(root, join(folder, 'link'));
    const store = createFilesystemStore(join(folder, 'link'));
    await store.put('a/b', bytes('x'));

    expect(await text(createFilesystemStore(root), 'a/b')).toBe('x');
  });
});

describe('leftovers', () => {
  it('removes what dead processes of this machine staged, and leaves work under way alone', async () => {
    const host = hostname().replace(/[^A-Za-z0-9-]/g, '-');
    const staging = join(root, '~staging');
    await mkdir(staging, { recursive: true });
    // No process has a number beyond the kernel's largest, 2^22.
    await writeFile(join(staging, `${host}.4194399.dead`), 'half');
    await writeFile(join(staging, `${host}.${process.ppid}.alive`), 'half');
    await writeFile(join(staging, 'elsewhere.4194399.other'), 'half');

    await createFilesystemStore(root).put('a', bytes('x'));

    expect((await readdir(staging)).sort()).toEqual(
      [`${host}.${process.ppid}.alive`, 'elsewhere.4194399.other'].sort(),
    );
  });

  it('gives up uploads without a new part for two days', async () => {
    const store = createFilesystemStore(root);
    const old = await store.createMultipart('a');
    const young = await store.createMultipart('b');
    const days = (count: number) => Date.now() / 1000 - count * 24 * 60 * 60;
    await utimes(join(root, '~uploads', old.uploadId), days(3), days(3));
    await utimes(join(root, '~uploads', young.uploadId), days(1), days(1));
    const now = await store.createMultipart('c');

    expect((await readdir(join(root, '~uploads'))).sort()).toEqual([young.uploadId, now.uploadId].sort());
    await expect(store.resumeMultipart('a', old.uploadId)).rejects.toMatchObject({ code: 'upload_missing' });
  });

  it('leaves no staged file behind, whether a put wins or loses', async () => {
    const store = createFilesystemStore(root);
    await store.put('a', bytes('1'));
    await store.put('a', bytes('2'), { ifAbsent: true });
    await store.put('a', bytes('3'), { ifMatch: 'stale' });
    const upload = await store.createMultipart('b');
    await upload.putPart(1, bytes('x'));
    await upload.complete();

    expect(await leftovers('~staging')).toEqual([]);
    expect(await leftovers('~uploads')).toEqual([]);
  });

  it('removes folders that a delete emptied, and makes them again', async () => {
    const store = createFilesystemStore(root);
    await store.put('v1/ckpt/s/t/a1/s1/model', bytes('x'));
    await store.delete('v1/ckpt/s/t/a1/s1/model');
    expect((await readdir(root)).filter((name) => !name.startsWith('~'))).toEqual([]);

    await store.put('v1/ckpt/s/t/a1/s1/model', bytes('y'));
    expect(await text(store, 'v1/ckpt/s/t/a1/s1/model')).toBe('y');
  });
});

it('goes on after its folder was deleted under it', async () => {
  const store = createFilesystemStore(root);
  await store.put('a/b', bytes('1'));
  await rm(root, { recursive: true });

  expect(await store.get('a/b')).toBeNull();
  expect(await store.put('a/b', bytes('2'))).toMatchObject({ written: true });
  expect(await text(store, 'a/b')).toBe('2');
});

it('never repeats an etag, though content, size and second are the same', async () => {
  const store = createFilesystemStore(root);
  const etags = new Set<string>();
  for (let write = 0; write < 60; write += 1) {
    if (write % 3 === 2) await store.delete('k');
    const outcome = await store.put('k', bytes('same'), write % 3 === 2 ? { ifAbsent: true } : {});
    if (outcome.written) etags.add(outcome.etag);
  }

  expect(etags.size).toBe(60);
});
