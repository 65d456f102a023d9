import { systemClock } from '@adctl/messaging';
import type { ApiServer, ApiServerOptions } from '@adctl/testkit/kubernetes';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { Health } from '../metrics/health.js';
import { Follower, type FollowTimes } from './follow.js';
import { ObservedJob } from './observed.js';
import { fakeApi, transportTo } from './testing/fake-api.fixtures.js';

interface Following {
  readonly server: ApiServer;
  readonly follower: Follower<ObservedJob>;
  /** Resolves once the names seen are these. */
  sees(...names: string[]): Promise<void>;
  add(name: string, labels?: Record<string, string>): void;
  remove(name: string): void;
}

const LABELS = { app: 'worker' };
const TIMES: Partial<FollowTimes> = { firstPauseMs: 2, longestPauseMs: 20 };

async function follow(times: Partial<FollowTimes> = {}, options: ApiServerOptions = {}): Promise<Following> {
  const server = await fakeApi(options);
  const stop = new AbortController();
  const waiting = new Set<() => void>();
  const follower = new Follower({
    transport: transportTo(server),
    path: '/apis/batch/v1/namespaces/default/jobs',
    labelSelector: 'app=worker',
    schema: ObservedJob,
    onChange: () => {
      for (const look of waiting) look();
    },
    clock: systemClock,
    random: () => 0.5,
    logger: pino({ level: 'silent' }),
    times: { ...TIMES, ...times },
  });
  const running = follower.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  const namesSeen = () =>
    follower
      .items()
      .map(({ metadata }) => metadata.name)
      .sort()
      .join();
  await follower.synced;
  return {
    server,
    follower,
    sees: (...names) =>
      new Promise((resolve) => {
        const look = () => {
          if (namesSeen() !== names.sort().join()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    add: (name, labels = LABELS) => {
      const metadata = { name, namespace: 'default', labels };
      server.store.create('jobs', { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: {} });
    },
    remove: (name) => {
      server.store.remove('jobs', 'default', name);
    },
  };
}

/** Resolves once the server has answered so many watches. */
async function watches(server: ApiServer, count: number): Promise<void> {
  while (server.requests.filter(({ verb }) => verb === 'watch').length < count) await new Promise(setImmediate);
}

it('lists what is there and follows what changes', async () => {
  const { sees, add, remove } = await follow();

  add('a');
  add('b');
  await sees('a', 'b');
  remove('a');
  await sees('b');
});

it('forgets what leaves the selector', async () => {
  const { server, sees, add } = await follow();
  add('a');
  await sees('a');

  const job = server.store.get('jobs', 'default', 'a');
  server.store.update('jobs', { ...job, metadata: { ...job.metadata, labels: { app: 'other' } } });

  await sees();
});

it('lists in pages', async () => {
  const { server, sees, add } = await follow({}, {});
  for (let index = 0; index < 501; index++) add(`j${String(index).padStart(3, '0')}`);
  server.store.compact();
  server.cutWatches();

  await sees(...Array.from({ length: 501 }, (_, index) => `j${String(index).padStart(3, '0')}`));
});

it('goes on from the last version when a watch ends in time, without listing again', async () => {
  const { server, follower, sees, add } = await follow({ watchMs: 1_000 });
  add('a');
  await sees('a');

  await watches(server, 2);
  add('b');
  await sees('a', 'b');

  expect(follower.lists).toBe(1);
});

it('lists again when the server is cut off and comes back', async () => {
  const { server, follower, sees, add } = await follow();
  await server.stop();
  add('a');
  await server.start();

  await sees('a');
  expect(follower.lists).toBe(2);
});

it('lists again when its version has expired, told within the stream', async () => {
  const { server, follower, sees, add } = await follow({ watchMs: 1_000 });
  add('a');
  await sees('a');
  // The watch that follows begins from a version that the server no longer has.
  server.store.compact();
  server.store.create('configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'x', namespace: 'default' },
  });
  server.store.compact();
  await watches(server, 2);
  add('b');

  await sees('a', 'b');
  expect(follower.lists).toBe(2);
});

it('lists again when watching is refused', async () => {
  const { server, follower, sees, add } = await follow({ watchMs: 1_000 });
  server.faults.inject({ match: 'watch jobs', times: 2, what: { fault: 'status', code: 500 } });
  server.cutWatches();
  add('a');

  await sees('a');
  expect(follower.lists).toBeGreaterThan(1);
});

it('cuts a half-open watch that sends nothing', async () => {
  const { server, sees, add } = await follow({ silenceMs: 200 }, { bookmarkMs: 50 });
  server.faults.inject({ match: 'watch jobs', what: { fault: 'silent' } });
  server.cutWatches();
  await watches(server, 2);
  add('a'); // the silent watch will not tell

  await sees('a');
});

it('says so when a silent watch cannot be replaced, and tries on', async () => {
  const { server, follower, sees, add } = await follow({ silenceMs: 100 }, { bookmarkMs: 20 });
  const health = new Health({ pulseMs: 3_600_000, contactMs: 3_600_000, watchMs: 1_500 });
  health.role('leader');
  health.serves();
  health.contact();
  health.watches(follower);
  expect(health.ready().ok).toBe(true);

  server.faults.inject({ match: 'watch jobs', what: { fault: 'silent' } });
  server.faults.inject({ match: 'list jobs', times: 1_000_000, what: { fault: 'status', code: 503 } });
  server.cutWatches();
  while (health.ready().ok) await new Promise(setImmediate);
  expect(health.live().ok).toBe(true);

  server.faults.clear();
  add('a');
  await sees('a');
  expect(health.ready().ok).toBe(true);
});

it('keeps a quiet watch open as long as bookmarks come', async () => {
  const { server, follower, sees, add } = await follow({ silenceMs: 400 }, { bookmarkMs: 20 });
  await watches(server, 1);
  while (follower.silentMs() > 15) await new Promise(setImmediate); // a bookmark has come
  add('a');
  await sees('a');

  expect(server.requests.filter(({ verb }) => verb === 'watch')).toHaveLength(1);
});

it('is not misled by a reconnect that repeats old changes out of order', async () => {
  const { server, sees, add, remove, follower } = await follow();
  add('a');
  add('b');
  remove('a');
  await sees('b');
  server.faults.inject({ match: 'watch jobs', times: 3, what: { fault: 'echo' } });
  server.cutWatches();
  await watches(server, 2);
  add('c');

  await sees('b', 'c');
  expect(
    follower
      .items()
      .map(({ metadata }) => metadata.name)
      .sort(),
  ).toEqual(['b', 'c']);
});

it('lists everything anew once in a while, whatever the watch said', async () => {
  const { follower, sees, add } = await follow({ relistMs: 1_000 });
  add('a');
  await sees('a');
  for (const item of follower.items()) follower.forget(item); // as if an event had been wrong

  await sees('a');
  expect(follower.lists).toBe(2);
});

it('knows at once what a write was answered with, and does not bring back what it deleted', async () => {
  const { follower, sees, add } = await follow();
  add('a');
  await sees('a');
  const [a] = follower.items();
  if (a === undefined) throw new Error('not seen');
  const newer = { ...a, metadata: { ...a.metadata, resourceVersion: `${a.metadata.resourceVersion}0` } };

  follower.note(newer);
  expect(follower.items()).toEqual([newer]);
  follower.forget(newer);
  follower.note(a);
  expect(follower.items()).toEqual([]);
});

it('leaves out what it does not understand, and goes on', async () => {
  const { server, sees, add } = await follow();
  server.store.create('jobs', {
    ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'odd', namespace: 'default', labels: LABELS } },
    spec: { suspend: 'maybe' },
  });
  add('a');

  await sees('a');
});
