import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFilesystemStore } from './filesystem-store.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'adctl-processes-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Runs a script that has `store`, in a process of its own and on the built package. */
function start(script: string) {
  const program = `
    import { createFilesystemStore } from '@adctl/storage/filesystem';
    const store = createFilesystemStore(process.argv[1]);
    ${script}`;
  return spawn(process.execPath, ['--input-type=module', '-e', program, root], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

it('loses no compare-and-set between processes', async () => {
  await createFilesystemStore(root).put('counter', Buffer.from('0'));
  const raise = `
    for (let raised = 0; raised < 25; ) {
      const { content, info } = await store.get('counter');
      const next = Buffer.from(String(Number(Buffer.from(content).toString()) + 1));
      if ((await store.put('counter', next, { ifMatch: info.etag })).written) raised += 1;
    }`;
  const codes = await Promise.all(
    [1, 2, 3].map(async () => {
      const [code] = await once(start(raise), 'close');
      return code;
    }),
  );

  expect(codes).toEqual([0, 0, 0]);
  const counter = await createFilesystemStore(root).get('counter');
  expect(Buffer.from(counter?.content ?? []).toString()).toBe('75');
});

it('frees a key whose holder is killed, keeps whole objects, and clears what it staged', async () => {
  const write = `
    for (let index = 0; ; index += 1) {
      const content = Buffer.alloc(300_000, 97 + (index % 26));
      await store.put('busy', content);
      process.stdout.write('x');
    }`;
  for (let round = 0; round < 4; round += 1) {
    const child = start(write);
    for (let writes = 0; writes < 5 + round * 3; ) {
      const [chunk] = await once(child.stdout, 'data');
      writes += (chunk as Buffer).length;
    }
    child.kill('SIGKILL');
    await once(child, 'close');

    const store = createFilesystemStore(root);
    const content = (await store.get('busy'))?.content ?? new Uint8Array();
    expect(content.byteLength).toBe(300_000);
    expect(content.every((value) => value === content[0])).toBe(true);
    expect(await store.put('busy', Buffer.from('mine'))).toMatchObject({ written: true });
    expect(await readdir(join(root, '~staging'))).toEqual([]);
  }
});
