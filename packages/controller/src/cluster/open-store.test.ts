import { expect, test } from 'vitest';
import { impatient } from './open-store.js';

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
