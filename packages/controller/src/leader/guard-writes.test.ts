import { getMaxListeners, setMaxListeners } from 'node:events';
import { openEmbedded } from '@adctl/messaging/embedded';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import { createS3Store } from '@adctl/storage/s3';
import { type FakeS3, startFakeS3 } from '@adctl/storage/s3/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { leadershipLost } from '../errors.js';
import { temporaryDirectory } from '../testing/test-deployment.fixtures.js';
import { guardWrites } from './guard-writes.js';
import type { Leadership } from './leadership.js';

let fake: FakeS3;
let folder: ReturnType<typeof temporaryDirectory>;
let messaging: ReturnType<typeof openEmbedded>;

beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  fake = await startFakeS3({ buckets: ['objects'] });
  folder = temporaryDirectory();
  messaging = openEmbedded({ directory: folder.directory });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await messaging.close();
  await fake.close();
  folder.remove();
});

/** A leadership that ends without its signal being aborted, as right after a pause of the whole process. */
class Losable implements Leadership {
  readonly term = 1;
  held = true;
  readonly #lost = new AbortController();
  readonly lost = this.#lost.signal;
  holds(): boolean {
    if (!this.held) this.#lost.abort(leadershipLost('test', 'it could not be renewed in time'));
    return this.held;
  }
  async release(): Promise<void> {
    this.held = false;
  }
}

/** A guarded store whose every request is refused, and whose leadership ends in the pause before the second try. */
function openGuarded() {
  const leadership = new Losable();
  const store = createS3Store(
    { bucket: 'objects', endpoint: fake.endpoint },
    {
      clock: {
        now: () => 0,
        sleep: async () => {
          leadership.held = false;
        },
      },
    },
  );
  return { store, guarded: guardWrites({ messaging, objects: store }, leadership).objects };
}

const content = Buffer.from('x');

test.each([
  ['a put', 'PutObject', (objects) => objects.put('k', content)],
  ['a put if absent', 'PutObject', (objects) => objects.put('k', content, { ifAbsent: true })],
  ['a delete', 'DeleteObject', (objects) => objects.delete('k')],
  ['the begin of an upload', 'CreateMultipartUpload', (objects) => objects.createMultipart('k')],
] satisfies [string, string, (objects: ReturnType<typeof openGuarded>['guarded']) => Promise<unknown>][])(
  '%s that is tried again is not sent any more once the leadership has ended',
  async (_name, operation, write) => {
    const { store, guarded } = openGuarded();
    fake.setFaults(() => ({ kind: 'refuse', code: 'SlowDown' }));

    await expect(write(guarded)).rejects.toMatchObject({ code: 'controller_superseded' });

    expect(fake.requests.filter((request) => request.operation === operation)).toHaveLength(1);
    store.close();
  },
);

test.each([
  ['a part', 'UploadPart', (upload) => upload.putPart(2, content)],
  ['its completion', 'CompleteMultipartUpload', (upload) => upload.complete()],
] satisfies [
  string,
  string,
  (upload: Awaited<ReturnType<ReturnType<typeof openGuarded>['guarded']['createMultipart']>>) => Promise<unknown>,
][])('nor is %s of an upload', async (_name, operation, write) => {
  const { store, guarded } = openGuarded();
  const upload = await guarded.createMultipart('k');
  await upload.putPart(1, content);
  fake.setFaults((request) => (request.operation === operation ? { kind: 'refuse', code: 'SlowDown' } : null));
  const before = fake.requests.length;

  await expect(write(upload)).rejects.toMatchObject({ code: 'controller_superseded' });

  expect(fake.requests.slice(before).filter((request) => request.operation === operation)).toHaveLength(1);
  store.close();
});

test('any number of writes under way may listen for the end of the leadership', () => {
  const leadership = new Losable();
  setMaxListeners(10, leadership.lost); // what Node begins with, outside of test runners

  guardWrites({ messaging, objects: createFilesystemStore(folder.directory) }, leadership);

  expect(getMaxListeners(leadership.lost)).toBe(0);
});
