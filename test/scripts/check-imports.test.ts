import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const execute = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('../../scripts/check-imports.mjs', import.meta.url));
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'adctl-imports-'));
  await packageJson('protocol', '@adctl/protocol', []);
  await packageJson('storage', '@adctl/storage', ['@adctl/protocol']);
  await packageJson('methods', '@adctl/methods', ['@adctl/protocol', '@adctl/search']);
  await packageJson('controller', '@adctl/controller', ['@adctl/protocol', '@adctl/methods', '@adctl/storage']);
  await packageJson('cli', 'adctl', ['@adctl/methods', '@adctl/worker']);
  await packageJson('worker', '@adctl/worker', ['@adctl/methods']);
  await write('protocol/src/index.ts', 'export const a = 1;');
});

afterEach(() => rm(root, { recursive: true }));

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, 'packages', path)), { recursive: true });
  await writeFile(join(root, 'packages', path), text);
}

function packageJson(folder: string, name: string, dependencies: string[]): Promise<void> {
  const exports = { '.': { source: './src/index.ts' } };
  const listed = Object.fromEntries(dependencies.map((dependency) => [dependency, '0.1.0']));
  return write(`${folder}/package.json`, JSON.stringify({ name, exports, dependencies: listed }));
}

/** The problems that the script prints, without their marks; empty when it is content. */
async function problems(): Promise<string[]> {
  const args = ['--disable-warning=ExperimentalWarning', SCRIPT, '--root', root];
  try {
    await execute(process.execPath, args);
    return [];
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    const lines = stderr.split('\n').filter((line) => line.startsWith('✗ '));
    if (lines.length === 0) throw error;
    return lines.map((line) => line.slice(2));
  }
}

describe('check-imports', () => {
  test('is content with imports along the table', async () => {
    await write('storage/src/index.ts', "import { a } from '@adctl/protocol';\nexport const b = a;");

    expect(await problems()).toEqual([]);
  });

  test('names file, line and what is allowed when a package imports one it may not', async () => {
    await packageJson('storage', '@adctl/storage', ['@adctl/methods']);
    await write('storage/src/index.ts', "\nimport { b } from '@adctl/methods';\nexport { b };");

    expect(await problems()).toEqual([
      'packages/storage/src/index.ts:2: imports @adctl/methods, but @adctl/storage may import only @adctl/protocol',
    ]);
  });

  test('refuses to reach into another package’s files, by name or by path', async () => {
    await write('storage/src/one.ts', "export * from '@adctl/protocol/src/index.js';");
    await write('storage/src/two.ts', "export * from '../../protocol/src/index.js';");

    expect(await problems()).toEqual([
      expect.stringContaining('is not an entry point of @adctl/protocol'),
      expect.stringContaining('outside its own package'),
    ]);
  });

  test('wants every imported package in package.json', async () => {
    await packageJson('storage', '@adctl/storage', []);
    await write('storage/src/index.ts', "export * from '@adctl/protocol';");

    expect(await problems()).toEqual([expect.stringContaining("@adctl/storage's package.json does not list")]);
  });

  test('finds a ring of files, but not one of types alone', async () => {
    await write('storage/src/a.ts', "import { b } from './b.js';\nexport const a = b;");
    await write('storage/src/b.ts', "import { a } from './a.js';\nexport const b = () => a;");
    await write('storage/src/c.ts', "import type { D } from './d.js';\nexport type C = D;");
    await write('storage/src/d.ts', "import type { C } from './c.js';\nexport type D = C[];");

    expect(await problems()).toEqual([
      'cycle between files: packages/storage/src/a.ts → packages/storage/src/b.ts → packages/storage/src/a.ts',
    ]);
  });

  test('finds packages that need each other', async () => {
    await packageJson('protocol', '@adctl/protocol', ['@adctl/storage']);

    expect(await problems()).toEqual(['cycle between packages: @adctl/protocol → @adctl/storage → @adctl/protocol']);
  });

  test('follows static imports through packages to a tensor library, and prints the way', async () => {
    await write('controller/src/index.ts', "export { model } from '@adctl/methods';");
    await write('methods/src/index.ts', "export * from './model.js';");
    await write('methods/src/model.ts', "import * as tf from '@tensorflow/tfjs';\nexport const model = tf;");

    expect(await problems()).toEqual([
      'tensors reach @adctl/controller: packages/controller/src/index.ts → packages/methods/src/index.ts → ' +
        'packages/methods/src/model.ts → @tensorflow/tfjs',
    ]);
  });

  test('allows tensors behind a dynamic import, and as types', async () => {
    await write('controller/src/index.ts', "export { load } from '@adctl/methods';");
    await write('methods/src/index.ts', "export const load = async () => (await import('./model.js')).model;");
    await write(
      'methods/src/model.ts',
      "import type { Tensor } from '@tensorflow/tfjs';\nimport * as tf from '@tensorflow/tfjs';\n" +
        'export const model = (): Tensor => tf.scalar(1);',
    );

    expect(await problems()).toEqual([]);
  });

  test('keeps the worker out of the command line', async () => {
    await write('worker/src/index.ts', 'export const a = 1;');
    await write('cli/src/index.ts', "export * from '@adctl/worker';");

    expect(await problems()).toEqual([expect.stringContaining('imports @adctl/worker, but adctl may import only')]);
  });
});
