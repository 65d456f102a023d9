import type { EventsV1Event } from '@kubernetes/client-node';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { KubernetesClient } from './client.js';
import { Recorder } from './recorder.js';

const JOB = { name: 'gpu--1-1', uid: 'j1' };

test('the same Event again is not written for ten minutes after it was last asked for; others are', async () => {
  const written: EventsV1Event[] = [];
  let nowMs = 0;
  const client: Pick<KubernetesClient, 'createEvent'> = {
    createEvent: async (event) => void written.push(event),
  };
  const recorder = new Recorder({
    ...{ client, namespace: 'default', instance: 'adctl-0', logger: pino({ level: 'silent' }) },
    clock: { now: () => nowMs },
  });
  const at = async (minute: number, note = 'its node is gone') => {
    nowMs = minute * 60_000;
    await recorder.record('WorkerLost', JOB, note);
  };

  for (const minute of [0, 1, 9, 18]) await at(minute);
  expect(written).toHaveLength(1);

  await at(18, 'it was silent for too long');
  await at(29);
  expect(written.map(({ note }) => note)).toEqual([
    'its node is gone',
    'it was silent for too long',
    'its node is gone',
  ]);
});
