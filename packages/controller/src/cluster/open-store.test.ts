import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import { impatient, openStore } from './open-store.js';

afterEach(() => vi.unstubAllEnvs());

const retryOf = (retry?: { readonly deadlineMs?: number; readonly firstDelayMs?: number }) => {
  const place = impatient({ kind: 's3', settings: { bucket: 'adctl-objects', retry } });
  if (place.kind !== 's3') throw new Error(place.kind);
  return { ...place.settings.retry, requestTimeoutMs: place.settings.requestTimeoutMs };
};

test('a call of the controller insists for seconds, whatever workers are told, and never longer than they are', () => {
  const most = { deadlineMs: 10_000, firstDelayMs: 250, requestTimeoutMs: 20_000, giveUpTogether: true };

  expect(retryOf()).toEqual(most);
  expect(retryOf({ deadlineMs: 900_000, firstDelayMs: 1_000 })).toEqual(most);
  expect(retryOf({ deadlineMs: 500, firstDelayMs: 10 })).toMatchObject({ deadlineMs: 500, firstDelayMs: 10 });
});

test('a folder is what it is', () => {
  expect(impatient({ kind: 'filesystem', directory: '/objects' })).toEqual({
    kind: 'filesystem',
    directory: '/objects',
  });
});

test('waiting for a store that is away is told of at every try, and ends with the patience of the settings', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  const nobody = { bucket: 'adctl-objects', endpoint: 'http://127.0.0.1:1' };
  let signsOfLife = 0;
  const opening = openStore(
    { kind: 's3', settings: { ...nobody, retry: { deadlineMs: 1_500, firstDelayMs: 5 } } },
    pino({ level: 'silent' }),
    () => {
      signsOfLife += 1;
    },
  );

  await expect(opening).rejects.toMatchObject({ code: 'storage_unreachable', kind: 'transient' });
  expect(signsOfLife).toBeGreaterThan(1);
});
