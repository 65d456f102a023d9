import { chmod, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { sha256 } from '@adctl/protocol';
import { describe, expect, it } from 'vitest';
import { openDigestMemory, resolveCacheDir } from './cache.js';
import { temporaryFolders } from './testing/temporary-folder.fixtures.js';

const makeFolder = temporaryFolders();

describe('resolveCacheDir', () => {
  it.each([
    [{ ADCTL_CACHE_DIR: '/own', XDG_CACHE_HOME: '/xdg' }, '/own'],
    [{ ADCTL_CACHE_DIR: '', XDG_CACHE_HOME: '/xdg' }, '/xdg/adctl'],
    [{ XDG_CACHE_HOME: 'relative' }, '/home/me/.cache/adctl'],
    [{}, '/home/me/.cache/adctl'],
  ])('turns %o into %s', (environment, expected) => {
    expect(resolveCacheDir(environment, '/home/me')).toBe(expected);
  });
});

describe('openDigestMemory', () => {
  it('gives the digest of the bytes and of what they unpack to', async () => {
    const folder = await makeFolder();
    const packed = gzipSync('content');
    await writeFile(join(folder, 'a'), 'content');
    await writeFile(join(folder, 'a.gz'), packed);
    const memory = await openDigestMemory(folder);

    expect(await memory.digest(join(folder, 'a'))).toEqual({ file: sha256('content'), content: sha256('content') });
    expect(await memory.digest(join(folder, 'a.gz'))).toEqual({ file: sha256(packed), content: sha256('content') });
  });

  it('remembers across openings by size and modification time, and reads again when either changed', async () => {
    const folder = await makeFolder();
    const path = join(folder, 'a');
    const time = new Date('2026-01-01T00:00:00Z');
    const write = async (text: string, at: Date) => {
      await writeFile(path, text);
      await utimes(path, at, at);
    };
    await write('one', time);
    const memory = await openDigestMemory(folder);
    await memory.digest(path);
    await memory.save();

    await write('two', time); // same size, same time: only a memory cannot tell
    expect((await (await openDigestMemory(folder)).digest(path)).content).toBe(sha256('one'));
    await write('two', new Date('2026-01-01T00:00:01Z'));
    expect((await (await openDigestMemory(folder)).digest(path)).content).toBe(sha256('two'));
    await write('three', time);
    expect((await (await openDigestMemory(folder)).digest(path)).content).toBe(sha256('three'));
  });

  it('starts empty when the memory is damaged, and mends it', async () => {
    const folder = await makeFolder();
    await writeFile(join(folder, '.digests.json'), '{"a": 1');
    await writeFile(join(folder, 'a'), 'content');
    const memory = await openDigestMemory(folder);

    expect((await memory.digest(join(folder, 'a'))).content).toBe(sha256('content'));
    await memory.save();
    expect(JSON.parse(await readFile(join(folder, '.digests.json'), 'utf8'))).toHaveProperty([join(folder, 'a')]);
  });

  it.skipIf(process.getuid?.() === 0)('works without remembering in a folder it cannot write to', async () => {
    const folder = await makeFolder();
    await writeFile(join(folder, 'a'), 'content');
    await chmod(folder, 0o555);
    const memory = await openDigestMemory(folder);

    await memory.digest(join(folder, 'a'));

    await expect(memory.save()).resolves.toBeUndefined();
  });

  it('names a .gz that cannot be unpacked', async () => {
    const folder = await makeFolder();
    await writeFile(join(folder, 'a.gz'), 'not gzip');

    await expect((await openDigestMemory(folder)).digest(join(folder, 'a.gz'))).rejects.toMatchObject({
      code: 'corrupt_dataset',
      message: expect.stringContaining('a.gz: broken gzip stream'),
    });
  });
});
