import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeTextures } from '@adctl/datasets';
import { type Sha256, sharedDatasetKey } from '@adctl/protocol';
import { listSharedDatasets, readSharedManifest } from '@adctl/storage';
import { createS3Store } from '@adctl/storage/s3';
import { type FakeS3, startFakeS3 } from '@adctl/storage/s3/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DatasetsShareAnswer } from '../../answers/datasets.js';
import { runCommand } from '../../testing/run-command.fixtures.js';
import DatasetsFetch from './fetch.js';
import DatasetsShare from './share.js';

let folder: string;
let images: string;
let fake: FakeS3;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'adctl-share-')));
  images = join(folder, 'set');
  await makeTextures({ families: ['mesh'], size: 32, seed: 1, train: 3, test: 1, defective: 2, out: images });
  fake = await startFakeS3({ buckets: ['ours'] });
  const variables = {
    ...{ ADCTL_CACHE_DIR: join(folder, 'cache'), AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' },
    ...{ ADCTL_OBJECTS: 's3', ADCTL_S3_BUCKET: 'ours', ADCTL_S3_PREFIX: 'team', ADCTL_S3_ENDPOINT: fake.endpoint },
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await fake.close();
  await rm(folder, { recursive: true, force: true });
});

const share = async (...argv: string[]) => {
  const { stdout, exitCode } = await runCommand(DatasetsShare, [...argv, '--json']);
  return { answer: JSON.parse(stdout), exitCode };
};
/** Objects of data sets that were written: a start also writes to try out what the store can do. */
const puts = () => fake.requests.filter(({ method, key }) => method === 'PUT' && key.includes('/v1/dataset')).length;

describe('adctl datasets share', () => {
  it('puts a folder of images into the object store once, and says how a sweep names it', async () => {
    const shared = DatasetsShareAnswer.parse((await share('mvtec', '--root', images)).answer);
    const written = puts();
    const again = DatasetsShareAnswer.parse((await share('mvtec', '--root', images)).answer);
    const { stdout } = await runCommand(DatasetsShare, ['mvtec', '--root', images]);

    const key = sharedDatasetKey('mvtec', shared.digest as Sha256);
    expect(shared).toMatchObject({
      root: `shared:${shared.digest}`,
      sharedAt: `s3://ours/team/${key}`,
      alreadyThere: false,
    });
    expect(shared.files).toBe(3 + 1 + 2 * 2);
    expect([again, puts()]).toEqual([{ ...shared, alreadyThere: true }, written]);
    expect(stdout).toContain(`Name it in a sweep file:  root: ${shared.root}`);
    const store = createS3Store({ bucket: 'ours', prefix: 'team', endpoint: fake.endpoint });
    const [facts] = await listSharedDatasets(store);
    expect(facts).toMatchObject({ name: 'mvtec', digest: shared.digest, classes: ['mesh'] });
    expect((await readSharedManifest(store, facts!))?.files).toHaveLength(shared.files);
    store.close();
  });

  it('writes everything anew with --force', async () => {
    await share('mvtec', '--root', images);
    const before = puts();
    const { answer } = await share('mvtec', '--root', images, '--force');

    expect(answer.alreadyThere).toBe(false);
    expect(puts()).toBe(2 * before);
  });

  it('says what is missing: the files, the folder, the variables of the store', async () => {
    const unfetched = await share('mnist');
    const rootless = await share('mvtec');
    vi.stubEnv('ADCTL_OBJECTS', '');
    const placeless = await share('mvtec', '--root', images);

    expect([unfetched, rootless, placeless].map(({ exitCode, answer }) => [exitCode, answer.error.code])).toEqual([
      [2, 'dataset_missing'],
      [2, 'bad_image_folder'],
      [2, 'bad_object_environment'],
    ]);
    expect(unfetched.answer.error.hint).toContain('adctl datasets fetch mnist');
  });
});

it('adctl datasets fetch --share asks for the variables of the store before it fetches anything', async () => {
  vi.stubEnv('ADCTL_OBJECTS', '');
  const { stdout, exitCode } = await runCommand(DatasetsFetch, ['mnist', '--share', '--json']);

  expect([exitCode, JSON.parse(stdout).error.code]).toEqual([2, 'bad_object_environment']);
  expect(await readdir(folder)).not.toContain('cache');
});
