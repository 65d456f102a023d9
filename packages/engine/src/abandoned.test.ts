import { mkdir, readdir, rm, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeAbandonedBuilds } from './abandoned.js';
import { temporaryFolder } from './fake-tools.fixtures.js';

const NOW_MS = Date.UTC(2026, 0, 2);
let root: string;

beforeEach(async () => {
  root = await temporaryFolder();
});

afterEach(() => rm(root, { recursive: true }));

async function placeBuild(name: string, ageMinutes: number): Promise<void> {
  const path = join(root, 'builds', name);
  await mkdir(path, { recursive: true });
  const time = new Date(NOW_MS - ageMinutes * 60_000);
  await utimes(path, time, time);
}

test('removes only builds that nobody uses, whose process is gone and that are no longer young', async () => {
  await placeBuild('engine-p10-current', 60);
  await symlink('builds/engine-p10-current', join(root, 'engine'));
  await placeBuild('engine-p11-running', 60);
  await placeBuild('engine-p12-young', 5);
  await placeBuild('engine-p13-left', 60);
  await placeBuild('something-else', 60);

  const removed = await removeAbandonedBuilds({ root, nowMs: NOW_MS, isAlive: (id) => id === 11 });

  expect(removed).toEqual(['engine-p13-left']);
  expect((await readdir(join(root, 'builds'))).sort()).toEqual([
    ...['engine-p10-current', 'engine-p11-running', 'engine-p12-young', 'something-else'],
  ]);
});
