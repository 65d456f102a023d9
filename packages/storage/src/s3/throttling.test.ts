import { expect, it } from 'vitest';
import { createRandom, SimulatedClock, useCredentials, withS3 } from './s3.fixtures.js';
import { slowDown } from './testing/index.js';

useCredentials();

const MINUTE_MS = 60_000;

it('loses none of 200 puts while 80 % of all requests are refused for a minute', async () => {
  const clock = new SimulatedClock();
  const random = createRandom(20261123);
  await withS3(
    async ({ fake, store }) => {
      const refuse = slowDown(0.8, random);
      let refused = 0;
      fake.setFaults((request) => {
        const fault = clock.now() < MINUTE_MS ? refuse(request) : null;
        if (fault !== null) refused += 1;
        return fault;
      });
      let next = 0;
      const outcomes: boolean[] = [];
      const writer = async () => {
        while (next < 200) {
          const index = next;
          next += 1;
          const outcome = await store.put(`v1/result/${index}`, Buffer.from(`${index}`), { ifAbsent: true });
          outcomes.push(outcome.written);
        }
      };

      await clock.run(Array.from({ length: 8 }, writer));

      expect(outcomes).toEqual(Array.from({ length: 200 }, () => true));
      const stored = fake.state.buckets.get('objects');
      for (let index = 0; index < 200; index += 1) {
        expect(stored?.get(`v1/result/${index}`)?.body.toString()).toBe(`${index}`);
      }
      expect(refused).toBeGreaterThan(100);
      expect(clock.now()).toBeGreaterThan(MINUTE_MS);
    },
    { runtime: { clock, random } },
  );
});

it('finishes even when the refusals never end', async () => {
  const clock = new SimulatedClock();
  await withS3(
    async ({ fake, store }) => {
      fake.setFaults(slowDown(0.8, createRandom(3)));

      const outcomes = await clock.run(
        Array.from({ length: 40 }, (_, index) => store.put(`k/${index}`, Buffer.from('x'), { ifAbsent: true })),
      );

      expect(outcomes.every(({ written }) => written)).toBe(true);
    },
    { runtime: { clock, random: createRandom(4) } },
  );
});

it('sends fewer requests at a time when throttled, and more again when it goes well', async () => {
  await withS3(
    async ({ fake, store }) => {
      fake.setFaults(slowDown(1, () => 0));
      await expect(store.put('k', Buffer.from('x'))).rejects.toMatchObject({ code: 'storage_throttled' });
      const after = store.parallelism;
      fake.setFaults(null);
      for (let index = 0; index < 40; index += 1) await store.put('k', Buffer.from('x'));

      expect(after).toBe(1);
      expect(store.parallelism).toBeGreaterThan(4);
    },
    { settings: { maxSockets: 16 } },
  );
});

it('gives up at the deadline with how often it tried, and pauses longer and longer up to the longest pause', async () => {
  const delays: number[] = [];
  await withS3(
    async ({ fake, store }) => {
      fake.setFaults(slowDown(1, () => 0));

      await expect(store.put('k', Buffer.from('x'))).rejects.toMatchObject({
        code: 'storage_throttled',
        kind: 'transient',
        details: { operation: 'PutObject', tries: 36, elapsedMs: 15 * MINUTE_MS },
      });
      expect(delays.slice(0, 8).map(Math.round)).toEqual([500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
    },
    { runtime: { random: () => 0.5, onRetry: ({ delayMs }) => delays.push(delayMs) } },
  );
});
