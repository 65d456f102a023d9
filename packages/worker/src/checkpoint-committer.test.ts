import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { createManualClock } from '@adctl/messaging/contracts';
import { SweepId, sha256, TrialId } from '@adctl/protocol';
import { PART_BYTES, readHead } from '@adctl/storage';
import { breakingOff } from '@adctl/storage/contracts';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createCheckpointCommitter } from './checkpoint-committer.js';

const sweep = SweepId.parse('toy-00000000');
const trial = TrialId.parse('t000000-00000000');

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'adctl-committer-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('a checkpoint whose upload breaks off is committed without sending anything twice', async () => {
  const clock = createManualClock();
  const store = createFilesystemStore(join(directory, 'objects'));
  const sent: number[] = [];
  const objects = breakingOff(store, 2, sent);
  const local = join(directory, 'local');
  mkdirSync(local);
  writeFileSync(join(local, 'model'), Buffer.alloc(2 * PART_BYTES + 1, 'weights'));
  const committer = createCheckpointCommitter(
    { objects, clock, onCheckpoint: () => undefined },
    { record: { sweep, trial }, number: 1, lost: new AbortController().signal },
    { log: () => undefined },
    () => undefined,
  );

  committer.add({ directory: local, files: ['model'], epoch: 1, step: 10, threads: 1, codeVersion: sha256('code') });
  let isCommitted = false;
  const settled = committer.settle().then(() => {
    isCommitted = true;
  });
  while (!isCommitted) {
    clock.advance(250);
    await turn();
  }
  await settled;

  expect(sent).toEqual([1, 2, 3]);
  expect((await readHead(store, sweep, trial)).head).toMatchObject({ attempt: 1, step: 10 });
});
