import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  addContext,
  findContext,
  findCurrentContext,
  listContexts,
  removeContext,
  switchContext,
} from './manage-contexts.js';
import { toContext } from './to-context.js';

const LAB = { servers: ['tls://nats.lab:4222'], identity: 'alice', nkeySeedFile: '/keys/alice.nk' };

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adctl-contexts-'));
  file = join(folder, 'deeper', 'contexts.yaml');
});
afterEach(() => rm(folder, { recursive: true }));

const add = (
  name: string,
  more: { readonly use?: boolean; readonly replace?: boolean; readonly context?: unknown } = {},
) => addContext(file, { name, context: LAB, use: false, replace: false, ...more });

describe('contexts', () => {
  test('without a file there are none, and none is in use', async () => {
    expect(await listContexts(file)).toEqual([]);
    expect(await findCurrentContext(file)).toBeNull();
    await expect(findContext(file, undefined)).rejects.toMatchObject({ code: 'unknown_context', kind: 'user' });
  });

  test('the first one is used at once, a later one only when asked', async () => {
    await add('lab');
    await add('prod');
    await add('spare', { use: true });

    expect((await listContexts(file)).map(({ name, current }) => [name, current])).toEqual([
      ['lab', false],
      ['prod', false],
      ['spare', true],
    ]);
    expect(await findContext(file, 'lab')).toEqual({ name: 'lab', current: false, context: LAB });
  });

  test('use switches, remove leaves none in use', async () => {
    await add('lab');
    await add('prod');

    expect(await switchContext(file, 'prod')).toMatchObject({ name: 'prod', current: true });
    expect(await removeContext(file, 'prod')).toMatchObject({ name: 'prod' });

    expect(await findCurrentContext(file)).toBeNull();
    expect(await listContexts(file)).toHaveLength(1);
  });

  test('a name that is taken is refused, unless it is to be replaced', async () => {
    await add('lab');

    await expect(add('lab')).rejects.toMatchObject({ code: 'context_exists' });
    await add('lab', { replace: true, context: { ...LAB, identity: 'bob' } });

    expect((await findContext(file, 'lab')).context.identity).toBe('bob');
  });

  test('an unknown name gets a suggestion', async () => {
    await add('production');

    await expect(switchContext(file, 'prodution')).rejects.toMatchObject({
      code: 'unknown_context',
      hint: expect.stringContaining('Did you mean production?'),
    });
  });

  test.each([
    ['a password in the address', { ...LAB, servers: ['nats://alice:secret@nats:4222'] }],
    ['a name that would widen permissions', { ...LAB, identity: '*' }],
    ['a relative path', { ...LAB, nkeySeedFile: 'alice.nk' }],
    ['no server', { ...LAB, servers: [] }],
    ['a secret of its own', { ...LAB, nkeySeed: 'SUAX' }],
  ])('%s is refused, and nothing is written', async (_what, context) => {
    const refusal = await add('lab', { context }).catch((error: unknown) => error);

    expect(refusal).toMatchObject({ code: 'bad_context', kind: 'user' });
    expect(String(refusal)).not.toContain('secret@');
    expect(await listContexts(file)).toEqual([]);
  });

  test('paths become absolute, and the person is the user of this machine unless told', () => {
    const files = { credsFile: 'alice.creds', caFile: undefined };
    const context = toContext({
      servers: ['nats://n'],
      identity: undefined,
      namespace: undefined,
      user: undefined,
      files,
    });

    expect(context).toMatchObject({ servers: ['nats://n'], credsFile: join(process.cwd(), 'alice.creds') });
    expect(context.identity).toEqual(expect.any(String));
    expect(context).not.toHaveProperty('caFile');
  });
});

describe('the contexts file', () => {
  test('is for its owner only, and nothing is left beside it', async () => {
    await add('lab');
    await add('prod');

    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'deeper'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(folder, 'deeper'))).toEqual(['contexts.yaml']);
    expect(await readFile(file, 'utf8')).toContain('nkeySeedFile: /keys/alice.nk');
  });

  test.each([0o640, 0o604, 0o660, 0o602])('of mode %o is refused with the mend', async (mode) => {
    await add('lab');
    await chmod(file, mode);

    await expect(listContexts(file)).rejects.toMatchObject({
      code: 'contexts_exposed',
      kind: 'user',
      hint: expect.stringContaining(`chmod 600 ${file}`),
    });
  });

  test.each([
    ['no YAML', 'contexts: ['],
    ['unknown keys', 'version: 1\ncontexts: {}\ncurrnet: lab\n'],
    ['another version', 'version: 2\ncontexts: {}\n'],
  ])('with %s is refused, naming the file', async (_what, text) => {
    await add('lab');
    await writeFile(file, text);

    await expect(listContexts(file)).rejects.toMatchObject({
      code: 'contexts_unreadable',
      message: expect.stringContaining(file),
    });
  });
});
