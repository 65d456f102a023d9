import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const BIN = fileURLToPath(new URL('../bin/run.js', import.meta.url));
const run = promisify(execFile);

/** Writes down every module that a process loads: imported into it before everything else. */
const RECORDER = (file: string) => `
  import { appendFileSync } from 'node:fs';
  import { registerHooks } from 'node:module';
  registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(file)}, url + '\\n'); return next(url, context); } });
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adctl-start-up-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs the built CLI and collects the files it loads. */
async function runRecorded(args: readonly string[]): Promise<{ stdout: string; modules: string[] }> {
  const list = join(folder, 'modules.txt');
  const recorder = join(folder, 'recorder.mjs');
  await writeFile(recorder, RECORDER(list));
  const { stdout } = await run(process.execPath, ['--import', recorder, BIN, ...args], { cwd: folder });
  return { stdout, modules: (await readFile(list, 'utf8')).trim().split('\n') };
}

describe('the built adctl', () => {
  it('prints help with exit codes from its manifest, without loading a command or anything heavy', async () => {
    const { stdout, modules } = await runRecorded(['--help']);

    expect(stdout).toMatch(/EXIT CODES\n\s+0\s+done/);
    expect(modules.filter((url) => /@tensorflow|@aws-sdk|\/nats\/|sharp|node:sqlite|dist\/commands/.test(url))).toEqual(
      [],
    );
  });

  it('shows a method without loading tensors', async () => {
    const { stdout, modules } = await runRecorded(['methods', 'show', 'ocgan']);

    expect(stdout).toContain('trainable parameters');
    expect(modules.filter((url) => /@tensorflow|sharp|node:sqlite/.test(url))).toEqual([]);
  });

  it('ends an unknown command with exit code 2 and the one that was meant', async () => {
    await expect(run(process.execPath, [BIN, 'metods', 'list'], { cwd: folder })).rejects.toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('Did you mean: adctl methods list?'),
    });
  });

  it('survives a reader that leaves early', async () => {
    const { stdout, stderr } = await run('sh', ['-c', `"${process.execPath}" "${BIN}" schema | head -c 1`], {
      cwd: folder,
    });

    expect(stdout).toBe('{');
    expect(stderr).toBe('');
  });
});
