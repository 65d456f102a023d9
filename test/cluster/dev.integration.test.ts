import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFakeS3 } from '@adctl/storage/s3/testing';
import { findNatsBinaries } from '@adctl/testkit';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { type Finished, type Running, run, start } from '../e2e/adctl.ts';
import { writeNoopSweep } from './noop-sweep.ts';

let folder: string;
let program: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adctl-dev-'));
  const { newest, old } = await findNatsBinaries();
  const binary = 'path' in newest ? newest : old;
  if ('missing' in binary) throw new Error(`no nats-server to test with: ${binary.missing}`);
  program = binary.path;
});
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

/** Any will do for the in-repo store. */
const S3_KEYS = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };

const options = () => ({
  cwd: folder,
  env: { ADCTL_TRAINER: 'noop', ADCTL_CONFIG_DIR: join(folder, 'config'), ...S3_KEYS },
});
const adctl = (...args: string[]): Promise<Finished> => run(args, options());

/** `adctl dev --nats`, once it is up. */
async function startDev(...more: readonly string[]): Promise<Running> {
  const running = start(['dev', '--nats', '--nats-server', program, '--slots', '1', ...more], options());
  let story = '';
  await new Promise<void>((resolve, reject) => {
    running.child.stderr?.on('data', (chunk) => {
      story += chunk;
      if (story.includes('A cluster at nats://127.0.0.1:')) resolve();
    });
    void running.finished.then(() => reject(new Error(story)));
  });
  return running;
}

/** Commands of living processes that name the folder. */
function processesOfFolder(): string[] {
  const { stdout } = spawnSync('ps', ['-eo', 'args='], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line.includes(folder) && !line.startsWith('ps '));
}

test('adctl dev --nats is a cluster in small: used by its context, continued by the next start, gone without a trace', async () => {
  const file = await writeNoopSweep(folder, { name: 'small', epochs: 3 });
  const first = await startDev();

  const swept = await adctl('sweep', file);
  const logs = await adctl('trials', 'logs', '--follow', 't000000');
  const doctor = await adctl('doctor', '--json');
  const second = await adctl('dev', '--nats', '--nats-server', program, '--json');
  first.child.kill('SIGINT');
  const ended = await first.finished;

  expect(swept.code, swept.stderr).toBe(0);
  expect(swept.stdout).toContain(join(folder, '.adctl/cluster/objects'));
  expect([logs.code, logs.stderr]).toEqual([0, '']);
  expect(doctor.code, doctor.stdout).toBe(0);
  const { checks } = z
    .object({ checks: z.array(z.object({ name: z.string(), status: z.string() })) })
    .parse(JSON.parse(doctor.stdout));
  expect(checks.filter(({ status }) => status !== 'ok')).toEqual([]);
  expect(checks.map(({ name }) => name)).toEqual(expect.arrayContaining(['nats', 'access', 'objects', 'clocks']));
  expect(JSON.parse(second.stdout)).toMatchObject({ error: { code: 'directory_in_use' } });
  expect(ended.code, ended.stderr).toBe(0);
  expect(processesOfFolder()).toEqual([]);
  expect(existsSync(join(folder, '.adctl/cluster/keys'))).toBe(false);
  expect(await readFile(join(folder, 'config/contexts.yaml'), 'utf8')).not.toContain('127.0.0.1');

  const again = await startDev();
  const sweeps = await adctl('sweeps', 'list', '--json');
  again.child.kill('SIGTERM');

  expect((await again.finished).code).toBe(0);
  expect(JSON.parse(sweeps.stdout)).toMatchObject([{ name: 'small', state: 'completed' }]);
});

test('adctl dev --nats keeps its objects in a bucket, when it is named one', async () => {
  const fake = await startFakeS3({ buckets: ['lab'] });
  onTestFinished(() => fake.close());
  const file = await writeNoopSweep(folder, { name: 'in-a-bucket', epochs: 3 });
  const dev = await startDev('--directory', 'bucket', '--s3-bucket', 'lab', '--s3-endpoint', fake.endpoint);

  const swept = await adctl('sweep', file);
  const doctor = await adctl('doctor', '--json');
  dev.child.kill('SIGINT');
  const ended = await dev.finished;

  expect(swept.code, swept.stderr).toBe(0);
  expect(swept.stdout).toContain('s3://lab');
  expect(doctor.code, doctor.stdout).toBe(0);
  expect(ended.code, ended.stderr).toBe(0);
  expect(existsSync(join(folder, 'bucket', 'cluster', 'objects'))).toBe(false);
});

test('adctl dev --nats says what is missing', async () => {
  const none = await adctl('dev', '--nats', '--nats-server', join(folder, 'nothing'), '--json');

  expect(none.code).toBe(2);
  expect(JSON.parse(none.stdout)).toMatchObject({ error: { code: 'nats_server_missing' } });
});
