import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUserKey } from '@adctl/messaging/nats';
import { startFakeS3 } from '@adctl/storage/s3/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Finished, run } from '../e2e/adctl.ts';
import { ADMIN, type Cluster, GUEST, startCluster } from './cluster.ts';
import { writeNoopSweep } from './noop-sweep.ts';
import type { ClusterProcess } from './processes.ts';

let cluster: Cluster;
let closedPort: string;
beforeAll(async () => {
  cluster = await startCluster({ ackWaitMs: 5_000, env: { ADCTL_TRAINER: 'noop' } });
  closedPort = await findClosedPort();
});
afterAll(() => cluster.close());

/** An address on which nothing listens. */
async function findClosedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `nats://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

/** How a process ended, and its last words. */
async function ending(
  started: ClusterProcess,
): Promise<{ readonly code: number | string | null; readonly log: string }> {
  return { code: await started.ended, log: started.log() };
}

const programs = [
  ['controller', (env: Record<string, string>) => cluster.startController(env)],
  ['worker', (env: Record<string, string>) => cluster.startWorker('w-refused', env)],
] as const;

test.each(['gc', 'rebuild'])('adctl admin %s is refused to somebody who is no admin', async (verb) => {
  const leader = await cluster.startLeader();
  const { code, stdout } = await cluster.run(['admin', verb, '--json']);

  expect(JSON.parse(stdout).error).toMatchObject({ code: 'nats_permission_denied' });
  expect(code).not.toBe(0);
  await leader.remove();
});

test("somebody else's sweep is refused by the owner's name, and an admin's word is taken from admins only", async () => {
  const leader = await cluster.startLeader();
  const file = await writeNoopSweep(cluster.folder, { name: 'owned', epochs: 1 });
  await cluster.run(['sweep', file, '--detach']);
  const cancel = async (...more: string[]) => {
    const { code, stdout } = await cluster.run(['sweeps', 'cancel', 'owned', '--json', ...more]);
    return { code, answer: JSON.parse(stdout) };
  };

  const foreign = await cancel('--context', GUEST);
  const pretended = await cancel('--context', GUEST, '--as-admin');
  const bare = await cancel('--context', ADMIN);
  const admin = await cancel('--context', ADMIN, '--as-admin');

  const refusal = { code: 'sweep_of_other_owner', message: expect.stringContaining('belongs to alice') };
  expect(foreign).toMatchObject({ code: 2, answer: { error: refusal } });
  expect(pretended).toMatchObject({ code: 1, answer: { error: { code: 'nats_permission_denied' } } });
  expect(bare).toMatchObject({ code: 2, answer: { error: refusal } });
  expect(admin).toMatchObject({ code: 0, answer: { owner: 'alice', cancelRequest: { by: 'carol' } } });
  await leader.remove();
});

describe.each(programs)('a %s', (_program, start) => {
  test('ends with exit code 75 when no server answers in time', async () => {
    const env = { ADCTL_NATS_URL: closedPort, ADCTL_NATS_FIRST_CONNECT_MS: '300' };
    const { code, log } = await ending(start(env));

    expect([code, log]).toEqual([75, expect.stringContaining('controller_unreachable')]);
  });

  test('ends with exit code 78 when TLS is wanted and the server has none', async () => {
    const { code, log } = await ending(start({ ADCTL_NATS_TLS: '1' }));

    expect([code, log]).toEqual([78, expect.stringContaining('nats_tls_refused')]);
  });

  test('ends with exit code 78 when the server does not know its key, and does not tell the seed', async () => {
    const { seed } = createUserKey();
    const file = join(cluster.folder, 'stranger.nk');
    await writeFile(file, seed, { mode: 0o600 });
    const { code, log } = await ending(start({ ADCTL_NATS_NKEY_SEED_FILE: file }));

    expect([code, log]).toEqual([78, expect.stringContaining('nats_auth_refused')]);
    expect(log).not.toContain(seed);
  });

  test('ends with exit code 78 when its credentials file is not there', async () => {
    const { code, log } = await ending(start({ ADCTL_NATS_NKEY_SEED_FILE: '/nowhere/seed' }));

    expect([code, log]).toEqual([78, expect.stringContaining('/nowhere/seed')]);
  });

  test('ends with exit code 78 naming every wrong variable', async () => {
    const wrong = { ADCTL_OBJECTS: 'tape', ADCTL_ACK_WAIT_MS: 'soon', ADCTL_NATS_NAMESPACE: 'A.B' };
    const { code, log } = await ending(start(wrong));

    expect(code).toBe(78);
    for (const name of Object.keys(wrong)) expect(log).toContain(name);
  });

  test('ends with exit code 78 when there is no such bucket', async () => {
    const fake = await startFakeS3({ buckets: ['another'] });
    const env = {
      ADCTL_OBJECTS: 's3',
      ADCTL_S3_BUCKET: 'missing',
      ADCTL_S3_ENDPOINT: fake.endpoint,
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'not-for-the-log',
    };
    const { code, log } = await ending(start(env));
    await fake.close();

    expect([code, log]).toEqual([78, expect.stringContaining('bucket_missing')]);
    expect(log).not.toContain('not-for-the-log');
  });
});

describe('adctl', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'adctl-refused-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Runs a command with these contexts. */
  async function runWith(context: object, args: readonly string[], mode = 0o600): Promise<Finished> {
    const file = join(folder, 'contexts.yaml');
    await writeFile(file, JSON.stringify({ version: 1, current: 'test', contexts: { test: context } }));
    await chmod(file, mode);
    return run([...args, '--json'], { cwd: folder, env: { ADCTL_CONFIG_DIR: folder } });
  }
  const errorOf = ({ code, stdout }: Finished) => ({ exit: code, code: JSON.parse(stdout).error.code });
  const here = () => ({ servers: [`nats://${cluster.nats.url}`], identity: 'alice' });

  test('says 75 when no server answers', async () => {
    const finished = await runWith({ ...here(), servers: [closedPort] }, ['sweeps', 'list']);

    expect(errorOf(finished)).toEqual({ exit: 75, code: 'controller_unreachable' });
  });

  test('says 75 when no controller answers', async () => {
    const finished = await cluster.run(['sweeps', 'list', '--json']);

    expect(errorOf(finished)).toEqual({ exit: 75, code: 'controller_unreachable' });
  });

  test('says 2 when the server does not take the credentials', async () => {
    expect(errorOf(await runWith(here(), ['workers']))).toEqual({ exit: 2, code: 'nats_auth_refused' });
  });

  test('says 2 when the contexts file may be read by others', async () => {
    expect(errorOf(await runWith(here(), ['leaderboard'], 0o644))).toEqual({ exit: 2, code: 'contexts_exposed' });
  });

  test('says 2 for a context that is not there', async () => {
    const finished = await runWith(here(), ['trials', 'list', '--context', 'tset']);

    expect(errorOf(finished)).toEqual({ exit: 2, code: 'unknown_context' });
  });

  test('does not need the cluster with --local', async () => {
    const finished = await runWith({ ...here(), servers: [closedPort] }, ['workers', '--local']);

    expect(finished).toMatchObject({ code: 0, stdout: expect.stringContaining('"controllerRunning": false') });
  });
});
