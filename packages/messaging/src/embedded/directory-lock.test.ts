import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { acquireDirectoryLock, readOwner } from './directory-lock.js';

let directory: string;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'adctl-lock-')), '.adctl');
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true }));

it('tells a second owner who the first is and what to do', () => {
  const lock = acquireDirectoryLock(directory);

  expect(() => acquireDirectoryLock(directory)).toThrow(
    expect.objectContaining({
      code: 'directory_in_use',
      kind: 'user',
      message: expect.stringMatching(`process ${process.pid} on ${hostname()}, running since 2`),
      hint: expect.stringContaining(`kill ${process.pid}`),
      details: { directory, owner: expect.objectContaining({ pid: process.pid }) },
    }),
  );
  lock.release();
});

it('is free again after release, and releases once', () => {
  const first = acquireDirectoryLock(directory);
  first.release();
  expect(readOwner(directory)).toBeNull();
  const second = acquireDirectoryLock(directory);
  first.release();

  expect(() => acquireDirectoryLock(directory)).toThrow(expect.objectContaining({ code: 'directory_in_use' }));
  expect(readOwner(directory)).toMatchObject({ pid: process.pid });
  second.release();
});

it('does not take an owner’s note for a lock', () => {
  acquireDirectoryLock(directory).release();
  writeFileSync(join(directory, 'owner.json'), JSON.stringify({ pid: 1, host: 'elsewhere', startedAt: '2026-01-01' }));

  expect(() => acquireDirectoryLock(directory).release()).not.toThrow();
});

it('refuses a second owner even when the note is torn', () => {
  const lock = acquireDirectoryLock(directory);
  writeFileSync(join(directory, 'owner.json'), '{"pid": 1');

  expect(() => acquireDirectoryLock(directory)).toThrow(/another process already runs a controller/);
  lock.release();
});

it('names a directory that cannot be made', () => {
  writeFileSync(directory, 'a file');

  expect(() => acquireDirectoryLock(directory)).toThrow(
    expect.objectContaining({ code: 'storage_denied', kind: 'permanent' }),
  );
  expect(existsSync(join(directory, 'lock.sqlite'))).toBe(false);
});
