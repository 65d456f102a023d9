import { join } from 'node:path';
import type { Messaging, StateBucket } from '@adctl/messaging';
import { createManualClock } from '@adctl/messaging/contracts';
import { openEmbedded } from '@adctl/messaging/embedded';
import { findMethod } from '@adctl/methods';
import { AdctlError, sha256 } from '@adctl/protocol';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Controller, startController } from '../controller.js';
import { passUntil } from '../testing/pass-until.fixtures.js';
import { temporaryDirectory } from '../testing/test-deployment.fixtures.js';
import { type Leading, leadWhenElected, type Role } from './lead.js';
import type { Leadership } from './leadership.js';

const logger = pino({ level: 'silent' });
const clock = createManualClock();
let folder: ReturnType<typeof temporaryDirectory>;
let messaging: ReturnType<typeof openEmbedded>;
let asked: AbortController;
let terms: Promise<void>;

beforeEach(() => {
  folder = temporaryDirectory();
  messaging = openEmbedded({ directory: folder.directory, clock });
  asked = new AbortController();
});

afterEach(async () => {
  asked.abort(new Error('the test is over'));
  await terms.catch(() => undefined);
  await messaging.close();
  folder.remove();
});

/** What a watch of the leases does instead of reading them. */
type Watch = StateBucket['watch'];

const failing = (error: unknown): Watch =>
  async function* () {
    yield* [];
    throw error;
  };

/** Never says that it has read everything. */
const unending: Watch = async function* (_prefix, signal) {
  yield* [];
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
};

function watchedBy(watch: Watch): Messaging {
  const bucket: Messaging['state']['bucket'] = (name) => {
    const real = messaging.state.bucket(name);
    if (name !== 'lease') return real;
    return {
      get: (key) => real.get(key),
      entries: (prefix) => real.entries(prefix),
      watch,
      create: (key, value) => real.create(key, value),
      update: (key, value, revision) => real.update(key, value, revision),
      put: (key, value) => real.put(key, value),
      delete: (key, revision) => real.delete(key, revision),
      purge: (prefix, revision) => real.purge(prefix, revision),
    };
  };
  return { ...parts(), state: { bucket } };
}

const parts = (): Messaging => ({
  queue: messaging.queue,
  events: messaging.events,
  state: messaging.state,
  control: messaging.control,
  contact: () => messaging.contact(),
  closed: messaging.closed,
  close: () => messaging.close(),
});

const start = (over: Messaging, leadership: Leadership, signal: AbortSignal): Promise<Controller> =>
  startController({
    messaging: over,
    objects: createFilesystemStore(join(folder.directory, 'objects')),
    findCard: findMethod,
    codeVersionOf: () => sha256('code'),
    logger,
    clock,
    leadership,
    signal,
  });

/** Stands for election, and leads over what the watches say, one a term. */
function lead(watches: readonly Watch[], onStart: (term: number) => void = () => undefined) {
  const roles: Role[] = [];
  const leads: Leading[] = [];
  let term = 0;
  const over = leadWhenElected(
    {
      bucket: messaging.state.bucket('leader'),
      messaging,
      identity: 'only',
      clock,
      monotonicMs: () => clock.now(),
      logger,
      onRole: (role) => roles.push(role),
      async lead(leadership, signal) {
        const watch = watches[term];
        term += 1;
        onStart(term);
        const leading = await start(watch === undefined ? parts() : watchedBy(watch), leadership, signal);
        leads.push(leading);
        return leading;
      },
    },
    AbortSignal.any([asked.signal, messaging.closed]),
  );
  terms = over;
  return { roles, leads, over };
}

describe('a term that ends while it begins', () => {
  const away = new AdctlError('NATS is away', { code: 'controller_unreachable', kind: 'transient' });

  test('because reading fails for a moment: it stands again, and leads', async () => {
    const { roles, leads } = lead([failing(away)]);

    await passUntil(clock, expect.poll(() => leads).toHaveLength(1));

    expect(roles).toEqual(['standby', 'leader', 'standby', 'leader']);
    expect(leads[0]?.stopped.aborted).toBe(false);
  });

  test('because reading fails for good: so does the process', async () => {
    const denied = new AdctlError('not allowed', { code: 'nats_permission_denied', kind: 'permanent' });
    const { over, roles } = lead([failing(denied)]);

    await expect(passUntil(clock, over)).rejects.toBe(denied);
    expect(roles).toEqual(['standby', 'leader']);
  });

  test('because the leadership is lost meanwhile: it stands again, and leads', async () => {
    const { roles, leads } = lead([unending], (term) => {
      // Somebody else takes the lease, and is gone.
      if (term === 1) void messaging.state.bucket('leader').put('controller', { version: 1, holder: 'other' });
    });

    await passUntil(clock, expect.poll(() => leads, { timeout: 10_000 }).toHaveLength(1));

    expect(roles).toEqual(['standby', 'leader', 'standby', 'leader']);
  });

  test('because it is asked to stop: the leadership is let go', async () => {
    const { over, leads } = lead([unending], () => setImmediate(() => asked.abort('SIGTERM')));

    await passUntil(clock, over);

    expect(leads).toEqual([]);
    expect(await messaging.state.bucket('leader').get('controller')).toBeNull();
  });

  test('because messaging is closed: nothing is left', async () => {
    const { over, leads } = lead([unending], () => setImmediate(() => void messaging.close()));

    await passUntil(clock, over);

    expect(leads).toEqual([]);
  });
});
