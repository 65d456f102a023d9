import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolders } from '../testing/temporary-folder.fixtures.js';
import { unpackTar } from './unpack-tar.js';

const makeFolder = temporaryFolders();
const BLOCK = 512;

/** One entry of a tar file, by hand, because honest tools refuse to write the names we need. */
function entry(name: string, content: string, options: { type?: string; linkTo?: string } = {}): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.fill(' ', 148, 156);
  header.write(options.type ?? '0', 156);
  header.write(options.linkTo ?? '', 157);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const body = Buffer.alloc(Math.ceil(content.length / BLOCK) * BLOCK);
  body.write(content);
  return Buffer.concat([header, body]);
}

async function unpack(...entries: readonly Buffer[]) {
  const folder = await makeFolder();
  const target = join(folder, 'target');
  await mkdir(target);
  await writeFile(join(folder, 'a.tar'), Buffer.concat([...entries, Buffer.alloc(2 * BLOCK)]));
  return { folder, target, unpacking: unpackTar(join(folder, 'a.tar'), target) };
}

describe('unpackTar', () => {
  it('unpacks plain files and leaves links out', async () => {
    const { target, unpacking } = await unpack(
      entry('good', 'content'),
      entry('link', '', { type: '2', linkTo: '/etc/passwd' }),
      entry('hard', '', { type: '1', linkTo: 'good' }),
    );

    await unpacking;

    expect(await readdir(target)).toEqual(['good']);
  });

  it('fails the whole archive for a path that climbs out', async () => {
    const { folder, unpacking } = await unpack(entry('../evil', 'content'));

    await expect(unpacking).rejects.toMatchObject({ kind: 'user', code: 'corrupt_dataset' });
    expect(existsSync(join(folder, 'evil'))).toBe(false);
  });

  it('never writes to an absolute path', async () => {
    const elsewhere = join(await makeFolder(), 'evil');
    const { unpacking } = await unpack(entry(elsewhere, 'content'));

    await expect(unpacking).rejects.toMatchObject({ code: 'corrupt_dataset' });
    expect(existsSync(elsewhere)).toBe(false);
  });

  it('names an archive that is none', async () => {
    const folder = await makeFolder();
    await writeFile(join(folder, 'a.tar.gz'), 'x'.repeat(BLOCK));

    await expect(unpackTar(join(folder, 'a.tar.gz'), folder)).rejects.toMatchObject({
      code: 'corrupt_dataset',
      message: expect.stringContaining('a.tar.gz: cannot be unpacked'),
    });
  });
});
