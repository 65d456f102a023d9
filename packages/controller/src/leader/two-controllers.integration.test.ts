import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { codeVersion } from '@adctl/engine/code-version';
import type { Messaging } from '@adctl/messaging';
import { connectNats, prepareNats } from '@adctl/messaging/nats';
import { digestOf, SweepRecord, sweepSpecKey, sweepStatusKey, TrialRecord } from '@adctl/protocol';
import { createS3Store, type S3Store } from '@adctl/storage/s3';
import { type FakeS3, startFakeS3 } from '@adctl/storage/s3/testing';
import { findNatsBinaries, type NatsServer, startNatsServer } from '@adctl/testkit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readSweepFile } from '../intake.js';
import { countSearchTrials } from '../plan/frozen-sweep.js';
import { disagreements } from '../testing/statuses.fixtures.js';
import { sweepFile, temporaryDirectory, testReading } from '../testing/test-deployment.fixtures.js';

const ENTRY = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const binaries = await findNatsBinaries();
const binary = 'missing' in binaries.newest ? binaries.old : binaries.newest;

/** A controller process with its log. */
class ControllerProcess {
  readonly #child: ChildProcess;
  #log = '';
  readonly ended: Promise<number | null>;

  constructor(id: string, server: NatsServer, endpoint: string) {
    this.#child = spawn(process.execPath, [ENTRY], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        ADCTL_NATS_URL: server.url,
        ADCTL_OBJECTS: 's3',
        ADCTL_S3_BUCKET: 'objects',
        ADCTL_S3_ENDPOINT: endpoint,
        ADCTL_S3_RETRY_PAUSE_MS: '100',
        AWS_ACCESS_KEY_ID: id,
        AWS_SECRET_ACCESS_KEY: 'secret',
        ADCTL_CONTROLLER_ID: id,
        ADCTL_METRICS_PORT: '0',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
    this.ended = new Promise((resolve) => this.#child.once('exit', (code) => resolve(code)));
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** How often the log says something. */
  said(text: string): number {
    return this.#log.split(text).length - 1;
  }

  async says(text: string, times = 1): Promise<void> {
    await expect
      .poll(() => this.said(text), { timeout: 30_000, message: `${text} in ${this.#log}` })
      .toBeGreaterThanOrEqual(times);
  }
}

describe.skipIf('missing' in binary)('two controller processes over a real nats-server', () => {
  let server: NatsServer;
  let messaging: Messaging;
  let folder: ReturnType<typeof temporaryDirectory>;
  let fake: FakeS3;
  let objects: S3Store;
  const processes: ControllerProcess[] = [];
  const start = (id: string) => {
    const one = new ControllerProcess(id, server, fake.endpoint);
    processes.push(one);
    return one;
  };

  beforeAll(async () => {
    if ('missing' in binary) return;
    expect(existsSync(ENTRY), 'build the workspace first').toBe(true);
    folder = temporaryDirectory();
    fake = await startFakeS3({ buckets: ['objects'] });
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'tester');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    objects = createS3Store({ bucket: 'objects', endpoint: fake.endpoint });
    server = await startNatsServer({ path: binary.path });
    const options = { servers: [server.url], role: 'controller', identity: 'tester' } as const;
    await prepareNats({ ...options, classes: ['cpu'] });
    messaging = await connectNats(options);
  });

  afterAll(async () => {
    for (const one of processes) one.signal('SIGKILL');
    await Promise.all(processes.map(({ ended }) => ended));
    await messaging?.close();
    await server?.remove();
    objects?.close();
    await fake?.close();
    folder?.remove();
    vi.unstubAllEnvs();
  });

  test('one stopped past its lease and continued writes nothing more; one killed is replaced without waiting for its lease', async () => {
    const reading = { ...testReading, codeVersionOf: codeVersion };
    const frozen = await readSweepFile(
      { source: sweepFile(), file: 'toy.yaml', directory: folder.directory, fresh: false },
      reading,
    );
    await objects.put(sweepSpecKey(frozen.id), Buffer.from(JSON.stringify(frozen)));
    const record: SweepRecord = {
      version: 1,
      sweep: frozen.id,
      name: 'toy',
      owner: 'tester',
      state: 'search',
      priority: 'normal',
      parallel: 2,
      createdAt: new Date().toISOString(),
      searchTrials: countSearchTrials(frozen),
      expanded: 0,
      fresh: false,
      specDigest: digestOf(frozen),
    };
    await messaging.state.bucket('sweep').create(frozen.id, record);
    const terms = async () => {
      const sweeps = await messaging.state.bucket('sweep').entries();
      const trials = await messaging.state.bucket('trial').entries();
      return [
        ...sweeps.map(({ value }) => SweepRecord.parse(value).term),
        ...trials.map(({ value }) => TrialRecord.parse(value).term),
      ];
    };
    const lowestTerm = async () => Math.min(...(await terms()).map((term) => term ?? 0));
    const beat = () =>
      messaging.control.publish('heartbeat.w-a', {
        version: 1,
        worker: 'w-a',
        at: new Date().toISOString(),
        class: 'cpu',
        slots: 2,
        busy: [],
        state: 'ready',
        codeVersion: 'test',
      });

    const first = start('first');
    await first.says('"leading"');
    // Heartbeats are heard once it serves; a sweep and the two trials of its window are written then.
    await expect.poll(() => beat().then(terms), { timeout: 20_000, interval: 200 }).toHaveLength(3);
    const [firstTerm = 0] = await terms();
    const second = start('second');
    await second.says('object store open');
    expect(second.said('"leading"')).toBe(0);

    // Stopped with a write of an object in flight, which it would try again.
    const status = sweepStatusKey(frozen.id);
    fake.setFaults(({ operation, key }) =>
      operation === 'PutObject' && key === status ? { kind: 'refuse', code: 'SlowDown' } : null,
    );
    const writesOfFirst = () =>
      fake.requests.filter(({ method, headers }) => method !== 'GET' && headers.authorization?.includes('=first/'));
    const before = writesOfFirst().length;
    const pausing = messaging.control.request('sweeps.pause', { sweep: frozen.id }).catch((error: unknown) => error);
    await expect
      .poll(
        () =>
          writesOfFirst()
            .slice(before)
            .map(({ key }) => key),
        { timeout: 20_000 },
      )
      .toContain(status);
    first.signal('SIGSTOP');
    await second.says('"leading"');
    const sent = writesOfFirst().length;
    fake.setFaults(null);
    await expect.poll(lowestTerm, { timeout: 20_000 }).toBeGreaterThan(firstTerm);
    const [secondTerm = 0] = await terms();
    first.signal('SIGCONT');
    await first.says('no longer leading');
    await beat();
    await expect.poll(() => disagreements({ messaging, objects }), { timeout: 20_000 }).toEqual([]);
    expect(SweepRecord.parse((await messaging.state.bucket('sweep').get(frozen.id))?.value).state).toBe('paused');
    expect(writesOfFirst().slice(sent)).toEqual([]);
    await pausing;

    expect(secondTerm).toBeGreaterThan(firstTerm);
    expect(await terms()).toEqual([secondTerm, secondTerm, secondTerm]);
    expect(second.said('"why":"silent"')).toBe(1);
    second.signal('SIGTERM');
    expect(await second.ended).toBe(0);
    await first.says('"leading"', 2);
    await expect.poll(lowestTerm, { timeout: 20_000 }).toBeGreaterThan(secondTerm);

    // A killed one is not waited for: the server knows that its connection is gone.
    const third = start('third');
    await third.says('object store open');
    first.signal('SIGKILL');
    await third.says('"leading"');
    expect(third.said('"why":"disconnected"')).toBe(1);
    await expect.poll(async () => new Set(await terms()).size, { timeout: 20_000 }).toBe(1);
  });
});
