import { type WorkerHeartbeat, WorkerId } from '@adctl/protocol';
import { beforeEach, describe, expect, test } from 'vitest';
import { Fleet } from './fleet.js';

const WORKER = WorkerId.parse('w-1');
const HEARTBEAT: WorkerHeartbeat = {
  version: 1,
  worker: WORKER,
  at: new Date(0).toISOString(),
  class: 'cpu',
  slots: 2,
  busy: [],
  state: 'ready',
  codeVersion: 'code',
};

let fleet: Fleet;
beforeEach(() => {
  fleet = new Fleet({ silenceMs: 1_000, expectedSlots: {}, windowPerSlot: 2 });
});

describe('Fleet', () => {
  test('takes a worker for dead after a long silence, and for good', () => {
    fleet.note(HEARTBEAT, 0);

    expect([...fleet.dead(1_000)]).toEqual([]);
    expect([...fleet.dead(1_001)]).toEqual([[WORKER, 'node-lost']]);
    expect(fleet.note(HEARTBEAT, 1_002)).toBe(false);
    expect(fleet.slotsOf('cpu')).toBe(0);
  });

  test('does not count the silence of an outage against anybody', () => {
    fleet.note(HEARTBEAT, 0);

    expect([...fleet.dead(60_000, 59_500)]).toEqual([]);
    expect(fleet.slotsOf('cpu')).toBe(2);
    expect([...fleet.dead(60_501, 59_500)]).toEqual([[WORKER, 'node-lost']]);
  });

  test.each([
    ['nobody is heard, nothing more is dispatched than runs already', 0, 5, 5],
    ['what runs in known slots takes places', 1, 2, 4],
    ['what runs beyond them takes none', 1, 5, 7],
  ])('%s', (_name, workers, running, window) => {
    for (let n = 0; n < workers; n++) fleet.note({ ...HEARTBEAT, worker: WorkerId.parse(`w-${n}`) }, 0);

    expect(fleet.windowOf('cpu', running)).toBe(window);
  });
});
