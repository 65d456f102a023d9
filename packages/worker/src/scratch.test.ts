import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { prepareScratch, removeScratch } from './scratch.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'adctl-scratch-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A worker's folder with a file in it. */
function leave(worker: string, owner: string): string {
  mkdirSync(join(root, worker));
  writeFileSync(join(root, worker, '.owner'), owner);
  writeFileSync(join(root, worker, 'checkpoint'), 'bytes');
  return join(root, worker, 'checkpoint');
}

describe('prepareScratch', () => {
  test('empties its own folder and removes those of dead workers of this machine', async () => {
    const own = leave('w-1', `${hostname()} ${process.pid}`);
    const dead = leave('w-2', `${hostname()} 2147483646`);

    await prepareScratch(root, 'w-1');

    expect([existsSync(own), existsSync(dead), existsSync(join(root, 'w-1'))]).toEqual([false, false, true]);
  });

  test('leaves living workers, other machines and unknown folders alone', async () => {
    const living = leave('w-2', `${hostname()} ${process.ppid}`);
    const elsewhere = leave('w-3', 'another-host 2147483646');
    const unknown = leave('w-4', '');

    await prepareScratch(root, 'w-1');

    expect([living, elsewhere, unknown].map((file) => existsSync(file))).toEqual([true, true, true]);
  });

  test('removeScratch removes a folder that may be gone already', async () => {
    await prepareScratch(root, 'w-1');

    await removeScratch(root, 'w-1');
    await removeScratch(root, 'w-1');

    expect(existsSync(join(root, 'w-1'))).toBe(false);
  });
});
