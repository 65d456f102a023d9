import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../scripts/prune-built.mjs', import.meta.url));

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'adctl-prune-'));
});
afterEach(() => rm(root, { recursive: true }));

async function write(...files: string[]): Promise<void> {
  for (const file of files) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), '');
  }
}

test('compiled files of sources that are gone are removed, everything else stays', async () => {
  const kept = ['kit/loss.js', 'kit/loss.js.map', 'kit/loss.d.ts', 'kit/loss.d.ts.map', '.tsbuildinfo', 'data.json'];
  const stale = ['kit/old.js', 'kit/old.js.map', 'kit/old.d.ts', 'kit/old.d.ts.map', 'gone/index.js'];
  await write('packages/methods/src/kit/loss.ts');
  await write(...[...kept, ...stale].map((file) => `packages/methods/dist/${file}`));

  const output = execFileSync(process.execPath, [SCRIPT, '--root', root], { encoding: 'utf8' });

  const there = (file: string) => existsSync(join(root, 'packages/methods/dist', file));
  expect(kept.filter((file) => !there(file))).toEqual([]);
  expect(stale.filter(there)).toEqual([]);
  expect(output.split('\n').filter((line) => line.includes('removed'))).toHaveLength(stale.length);
});

test('a tree without compiled files is left alone', async () => {
  await write('packages/methods/src/index.ts');

  expect(execFileSync(process.execPath, [SCRIPT, '--root', root], { encoding: 'utf8' })).toBe('');
});
