import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import AdminNatsUsers from '../commands/admin/nats-users.js';
import { runCommand } from '../testing/run-command.fixtures.js';
import { makeNatsUsers, parsePool } from './nats-users.js';

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'adctl-users-'));
  folder = join(root, 'keys');
});
afterEach(() => rmSync(root, { recursive: true }));

const make = (changes: Partial<Parameters<typeof makeNatsUsers>[0]> = {}) =>
  makeNatsUsers({
    ...{ folder, pools: [], classes: ['gpu24'], people: ['alice'], admins: ['root'], namespace: undefined },
    ...changes,
  });

test('every seed is in a file of its own that only this user may read, and in nothing else', async () => {
  const { users, authorizationFile, valuesFile } = await make();

  expect(users.map(({ name, role }) => [name, role])).toEqual([
    ['controller', 'controller'],
    ['worker', 'worker'],
    ['alice', 'cli'],
    ['root', 'admin'],
  ]);
  expect(readdirSync(folder).sort()).toEqual([
    'alice.nk',
    'authorization.conf',
    'controller.nk',
    'root.nk',
    'values.yaml',
    'worker.nk',
  ]);
  const open = readFileSync(authorizationFile, 'utf8') + readFileSync(valuesFile, 'utf8');
  for (const { seedFile, publicKey } of users) {
    expect(readFileSync(seedFile, 'utf8')).toMatch(/^SU[A-Z2-7]{56}\n$/);
    expect(statSync(seedFile).mode & 0o777).toBe(0o600);
    expect(open).toContain(publicKey);
    expect(open).not.toContain(readFileSync(seedFile, 'utf8').trim());
  }
  expect(parse(readFileSync(valuesFile, 'utf8'))).toEqual({
    nats: { enabled: true, authorization: readFileSync(authorizationFile, 'utf8') },
  });
});

test('workers may take the classes that were named, and no others', async () => {
  const { authorizationFile } = await make({ classes: ['gpu24', 'cpu'] });
  const taken = readFileSync(authorizationFile, 'utf8').match(/CONSUMER\.MSG\.NEXT\.AD_JOBS\.w_[a-z0-9]+_high/g);

  expect(taken).toEqual(['gpu24', 'cpu'].map((name) => `CONSUMER.MSG.NEXT.AD_JOBS.w_${name}_high`));
});

test('every pool has a credential of its own, for its class and for its workers alone', async () => {
  const pools = ['gpu-spot=gpu24', 'cpu'].map(parsePool);
  const { users, authorizationFile } = await make({ pools, classes: [] });
  const [, spot = '', cpu = ''] = readFileSync(authorizationFile, 'utf8').split('nkey: ').slice(1);

  expect(users.map(({ name }) => name)).toEqual(['controller', 'gpu-spot', 'cpu', 'alice', 'root']);
  expect(spot.match(/MSG\.NEXT\.AD_JOBS\.w_[a-z0-9]+_high/g)).toEqual(['MSG.NEXT.AD_JOBS.w_gpu24_high']);
  expect(spot).toContain('"ad.live.heartbeat.gpu-spot.*"');
  expect(cpu.match(/MSG\.NEXT\.AD_JOBS\.w_[a-z0-9]+_high/g)).toEqual(['MSG.NEXT.AD_JOBS.w_cpu_high']);
  expect(cpu).toContain('"ad.live.order.cpu.*"');
});

test('a pool or a class must be named: there would be no worker', async () => {
  const { exitCode, stderr } = await runCommand(AdminNatsUsers, ['--out', folder, '--user', 'alice']);

  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--class, --pool')]);
});

test.each(['', '=cpu', 'a=', 'Gpu', 'gpu--spot', '-gpu', 'a'.repeat(25)])('%j names no pool', (text) => {
  expect(() => parsePool(text)).toThrow(expect.objectContaining({ code: 'bad_user_name', kind: 'user' }));
});

test('nothing is written when a file is there already', async () => {
  await make();
  const before = readFileSync(join(folder, 'controller.nk'), 'utf8');
  rmSync(join(folder, 'worker.nk'));
  writeFileSync(join(folder, 'values.yaml'), 'mine');

  await expect(make()).rejects.toMatchObject({ code: 'file_exists', kind: 'user' });

  expect(readFileSync(join(folder, 'controller.nk'), 'utf8')).toBe(before);
  expect(readFileSync(join(folder, 'values.yaml'), 'utf8')).toBe('mine');
  expect(readdirSync(folder)).not.toContain('worker.nk');
});

test.each([['controller'], ['worker'], ['root']])('nobody else can be named %s', async (name) => {
  await expect(make({ people: [name] })).rejects.toMatchObject({ code: 'bad_user_name', kind: 'user' });
});

test('a name that would widen a permission is refused', async () => {
  await expect(make({ people: ['*'] })).rejects.toMatchObject({ code: 'bad_permission_name' });
  expect(() => readdirSync(folder)).toThrow(/ENOENT/);
});
