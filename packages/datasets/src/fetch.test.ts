import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { sha256 } from '@adctl/protocol';
import { create } from 'tar';
import { describe, expect, it, onTestFinished } from 'vitest';
import { datasetDirectory } from './cache.js';
import { fetchDataset } from './fetch.js';
import { openFileDataset } from './open-dataset.js';
import { findDataset } from './registry.js';
import type { FetchProgress } from './sources/source.js';
import { temporaryFolders } from './testing/temporary-folder.fixtures.js';
import { tinyCard, writeTinyFiles } from './testing/tiny-card.fixtures.js';

const makeFolder = temporaryFolders();
const FILES = ['test-images', 'test-labels', 'train-images', 'train-labels'];

async function visibleFiles(cacheDir: string): Promise<string[]> {
  return (await readdir(datasetDirectory(cacheDir, 'tiny'))).filter((name) => !name.startsWith('.')).sort();
}

describe('fetchDataset from a folder', () => {
  it.each(['', '.gz'] as const)('puts verified, unpacked files with suffix "%s" into the cache', async (suffix) => {
    const source = await makeFolder();
    const cacheDir = await makeFolder();
    await writeTinyFiles(source, suffix);
    const progress: FetchProgress[] = [];

    const result = await fetchDataset(tinyCard(), { cacheDir, source, onProgress: (step) => progress.push(step) });

    expect(result).toMatchObject({ directory: datasetDirectory(cacheDir, 'tiny'), alreadyThere: false });
    expect(result.files).toEqual(tinyCard().files);
    expect(await visibleFiles(cacheDir)).toEqual(FILES);
    expect(await readdir(join(cacheDir, 'datasets'))).toEqual(['tiny']);
    expect(progress.filter(({ step }) => step === 'verify').at(-1)).toEqual({
      step: 'verify',
      name: 'test-labels',
      bytes: 10,
      totalBytes: 10,
    });
    const dataset = await openFileDataset(tinyCard(), undefined, { cacheDir });
    expect(dataset.train.count).toBe(4);
  });

  it('does nothing when everything is there and right, and says so', async () => {
    const source = await makeFolder();
    const cacheDir = await makeFolder();
    await writeTinyFiles(source);
    await fetchDataset(tinyCard(), { cacheDir, source });

    const again = await fetchDataset(tinyCard(), { cacheDir, source: '/nowhere' });

    expect(again.alreadyThere).toBe(true);
    expect(again.files).toEqual(tinyCard().files);
  });

  it('replaces a damaged file without being forced', async () => {
    const source = await makeFolder();
    const cacheDir = await makeFolder();
    await writeTinyFiles(source);
    await fetchDataset(tinyCard(), { cacheDir, source });
    await writeFile(join(datasetDirectory(cacheDir, 'tiny'), 'train-labels'), 'damaged');

    const result = await fetchDataset(tinyCard(), { cacheDir, source });

    expect(result.alreadyThere).toBe(false);
    await expect(openFileDataset(tinyCard(), undefined, { cacheDir })).resolves.toMatchObject({ name: 'tiny' });
  });

  it('changes nothing in the cache when one file of the source is wrong', async () => {
    const source = await makeFolder();
    const cacheDir = await makeFolder();
    await writeTinyFiles(source);
    await fetchDataset(tinyCard(), { cacheDir, source });
    await writeFile(join(source, 'test-labels'), 'damaged');

    await expect(fetchDataset(tinyCard(), { cacheDir, source, force: true })).rejects.toMatchObject({
      code: 'digest_mismatch',
    });

    expect((await fetchDataset(tinyCard(), { cacheDir, source })).alreadyThere).toBe(true);
    expect(await readdir(join(cacheDir, 'datasets'))).toEqual(['tiny']);
  });

  it('checks size and structure of files whose digest is not known', async () => {
    const source = await makeFolder();
    const cacheDir = await makeFolder();
    await writeTinyFiles(source);
    const files = tinyCard().files.map(({ name, bytes }) => ({ name, bytes }));
    await writeFile(join(source, 'test-labels'), 'ten bytes!');

    await expect(fetchDataset(tinyCard({ files }), { cacheDir, source })).rejects.toMatchObject({
      code: 'corrupt_dataset',
      message: expect.stringContaining('wrong magic number'),
    });
  });

  it('names what the folder lacks', async () => {
    const source = await makeFolder();

    await expect(fetchDataset(tinyCard(), { cacheDir: source, source })).rejects.toMatchObject({
      code: 'dataset_missing',
      message: expect.stringContaining(`${source}: train-images, train-labels, test-images, test-labels not found`),
    });
  });

  it('stops with the reason given and leaves nothing behind', async () => {
    const source = await makeFolder();
    const cacheDir = await makeFolder();
    await writeTinyFiles(source);
    const stop = new AbortController();

    const fetching = fetchDataset(tinyCard(), {
      cacheDir,
      source,
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('interrupted')),
    });

    await expect(fetching).rejects.toThrow('interrupted');
    expect(await readdir(join(cacheDir, 'datasets'))).toEqual([]);
  });

  it('removes what a killed fetch left behind, and leaves alone what a running one uses', async () => {
    const source = await makeFolder();
    const cacheDir = await makeFolder();
    await writeTinyFiles(source);
    const gone = spawnSync(process.execPath, ['--version']).pid;
    const abandoned = join(cacheDir, 'datasets', `.staging-${gone}-abc`);
    const inUse = join(cacheDir, 'datasets', `.staging-${process.pid}-abc`);
    for (const folder of [abandoned, inUse]) await mkdir(folder, { recursive: true });

    await fetchDataset(tinyCard(), { cacheDir, source });

    expect((await readdir(join(cacheDir, 'datasets'))).sort()).toEqual([`.staging-${process.pid}-abc`, 'tiny']);
  });
});

describe('fetchDataset from an archive', () => {
  async function archiveIn(source: string): Promise<{ name: string; folder: string; sha256: string }> {
    const content = await makeFolder();
    await writeTinyFiles(join(content, 'inner'));
    await writeFile(join(content, 'inner', 'readme.html'), 'hello');
    await create({ file: join(source, 'tiny.tar.gz'), gzip: true, cwd: content }, ['inner']);
    return { name: 'tiny.tar.gz', folder: 'inner', sha256: sha256(await readFile(join(source, 'tiny.tar.gz'))) };
  }

  it('unpacks the card files only', async () => {
    const source = await makeFolder();
    const cacheDir = await makeFolder();
    const archive = await archiveIn(source);

    await fetchDataset(tinyCard({ archive }), { cacheDir, source });

    expect(await visibleFiles(cacheDir)).toEqual(FILES);
  });

  it('takes the unpacked folder as well', async () => {
    const source = await makeFolder();
    const cacheDir = await makeFolder();
    await writeTinyFiles(join(source, 'inner'));

    await fetchDataset(tinyCard({ archive: { name: 'tiny.tar.gz', folder: 'inner', sha256: '' } }), {
      cacheDir,
      source,
    });

    expect(await visibleFiles(cacheDir)).toEqual(FILES);
  });

  it('refuses an archive that is not the pinned one', async () => {
    const source = await makeFolder();
    const archive = { ...(await archiveIn(source)), sha256: '0'.repeat(64) };

    await expect(fetchDataset(tinyCard({ archive }), { cacheDir: source, source })).rejects.toMatchObject({
      code: 'digest_mismatch',
    });
  });
});

describe('fetchDataset from an address', () => {
  /** Serves a folder; `broken` answers are cut off in the middle. */
  async function serve(folder: string, broken = false): Promise<string> {
    const server = createServer(async (request, response) => {
      const content = await readFile(join(folder, new URL(request.url ?? '', 'http://x').pathname)).catch(
        () => undefined,
      );
      if (content === undefined) response.writeHead(404).end();
      else if (broken) {
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, 10), () => response.destroy());
      } else response.writeHead(200, { 'content-length': content.length }).end(content);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    onTestFinished(() => {
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it.each(['', '.gz'] as const)('downloads files with suffix "%s" and counts their bytes', async (suffix) => {
    const folder = await makeFolder();
    const cacheDir = await makeFolder();
    await writeTinyFiles(folder, suffix);
    const progress: FetchProgress[] = [];

    await fetchDataset(tinyCard(), {
      cacheDir,
      source: await serve(folder),
      onProgress: (step) => progress.push(step),
    });

    const { length } = await readFile(join(folder, `train-images${suffix}`));
    expect(progress).toContainEqual({
      step: 'download',
      name: `train-images${suffix}`,
      bytes: length,
      totalBytes: length,
    });
    expect(await visibleFiles(cacheDir)).toEqual(FILES);
  });

  it('says which address is not there, as something to try again', async () => {
    const folder = await makeFolder();
    const source = await serve(folder);

    await expect(fetchDataset(tinyCard(), { cacheDir: folder, source })).rejects.toMatchObject({
      kind: 'transient',
      code: 'fetch_failed',
      message: `${source}/train-images: not found (404)`,
    });
  });

  it('fails as something to try again when the connection breaks off or is refused', async () => {
    const folder = await makeFolder();
    await writeTinyFiles(folder);
    const failure = { kind: 'transient', code: 'fetch_failed' };

    const broken = fetchDataset(tinyCard(), { cacheDir: folder, source: await serve(folder, true) });
    await expect(broken).rejects.toMatchObject(failure);
    const refused = fetchDataset(tinyCard(), { cacheDir: folder, source: 'http://127.0.0.1:1' });
    await expect(refused).rejects.toMatchObject(failure);
  });

  it.each(['http://example.org/mnist', 'ftp://example.org/mnist', 'file:///etc'])('refuses %s', async (source) => {
    const cacheDir = await makeFolder();

    await expect(fetchDataset(tinyCard(), { cacheDir, source })).rejects.toMatchObject({
      kind: 'user',
      code: 'bad_source',
    });
  });
});

describe('fetchDataset', () => {
  it.each(['cifar10', 'folder'])('says how to get %s, which no package holds', async (name) => {
    const cacheDir = await makeFolder();
    const card = findDataset(name);

    await expect(fetchDataset(card, { cacheDir })).rejects.toMatchObject({ code: 'bad_source', hint: card.obtain });
  });
});
