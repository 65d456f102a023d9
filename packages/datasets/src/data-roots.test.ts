import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { allowDatasetRoot, allowRoot } from './data-roots.js';
import { temporaryFolders } from './testing/temporary-folder.fixtures.js';
import { tinyCard, writeTinyFiles } from './testing/tiny-card.fixtures.js';

const makeFolder = temporaryFolders();

let allowed: string;
let foreign: string;
beforeEach(async () => {
  const folder = await makeFolder();
  allowed = join(folder, 'data');
  foreign = join(folder, 'data-of-others');
  for (const path of [join(allowed, 'set'), join(foreign, 'set')]) await mkdir(path, { recursive: true });
});

const refusal = { kind: 'user', code: 'data_root_refused' };

describe('allowRoot', () => {
  it('lets everything pass where nothing is configured, unlooked at', async () => {
    expect(await allowRoot('/nowhere/../at/all', null)).toBe('/nowhere/../at/all');
  });

  it('lets the allowed folder and what lies below it pass', async () => {
    expect(await allowRoot(join(allowed, 'set'), [allowed])).toBe(join(allowed, 'set'));
    expect(await allowRoot(allowed, ['/elsewhere', `${allowed}/`])).toBe(allowed);
    expect(await allowRoot(join(allowed, 'set'), ['/'])).toBe(join(allowed, 'set'));
  });

  it.each<[string, () => string]>([
    ['a foreign folder', () => join(foreign, 'set')],
    ['a folder whose name only begins like an allowed one', () => foreign],
    ['the folder above', () => join(allowed, '..')],
    ['dots that lead out', () => `${allowed}/set/../../data-of-others/set`],
    ['dots that lead out to where nothing is', () => `${allowed}/../nothing`],
    ['a relative path', () => 'set'],
    ['a relative path with dots', () => '../set'],
    ['no path at all', () => ''],
  ])('refuses %s', async (_what, root) => {
    await expect(allowRoot(root(), [allowed])).rejects.toMatchObject({
      ...refusal,
      message: expect.stringContaining(`folders must lie below ${allowed}`),
      hint: expect.stringContaining('adctl datasets share NAME --root DIR'),
    });
  });

  it('refuses every folder where none is allowed', async () => {
    await expect(allowRoot(allowed, [])).rejects.toMatchObject({
      ...refusal,
      message: expect.stringContaining('this cluster reads no folders'),
    });
  });

  it('refuses links that lead out, as the folder or on the way to it', async () => {
    await symlink(foreign, join(allowed, 'link'));

    await expect(allowRoot(join(allowed, 'link'), [allowed])).rejects.toMatchObject(refusal);
    await expect(allowRoot(join(allowed, 'link/set'), [allowed])).rejects.toMatchObject(refusal);
    await expect(allowRoot(join(allowed, 'link/../../data/set'), [allowed])).resolves.toBe(join(allowed, 'set'));
  });

  it('follows links that stay inside, and an allowed folder that is a link itself', async () => {
    await symlink(join(allowed, 'set'), join(allowed, 'inside'));
    await symlink(foreign, join(allowed, '../mount'));

    expect(await allowRoot(join(allowed, 'inside'), [allowed])).toBe(join(allowed, 'set'));
    expect(await allowRoot(join(allowed, '../mount/set'), [join(allowed, '../mount')])).toBe(join(foreign, 'set'));
  });

  it('does not tell what is there of what it refuses', async () => {
    const [there, notThere] = await Promise.allSettled([
      allowRoot(join(foreign, 'set'), [allowed]),
      allowRoot(join(foreign, 'nothing'), [allowed]),
    ]);

    const message = (outcome: PromiseSettledResult<string>) =>
      outcome.status === 'rejected' ? String(outcome.reason.message).replace(/\S+ cannot/, 'X cannot') : '';
    expect(message(there)).toBe(message(notThere));
  });

  it('says of a folder below an allowed one that it is not there', async () => {
    await expect(allowRoot(join(allowed, 'nothing'), [allowed])).rejects.toMatchObject({ code: 'bad_image_folder' });
  });
});

describe('allowDatasetRoot', () => {
  it('refuses files of a fixed set that are links out of its folder, where folders are limited', async () => {
    const root = join(allowed, 'set');
    await writeTinyFiles(root);
    await writeTinyFiles(join(foreign, 'set'));
    expect(await allowDatasetRoot(tinyCard(), root, [allowed])).toBe(root);

    await rm(join(root, 'test-labels'));
    await symlink(join(foreign, 'set/test-labels'), join(root, 'test-labels'));

    await expect(allowDatasetRoot(tinyCard(), root, [allowed])).rejects.toMatchObject({ code: 'unsafe_path' });
    expect(await allowDatasetRoot(tinyCard(), root, null)).toBe(root);
  });
});
