import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findHadolint } from '@adctl/testkit';
import { describe, expect, test } from 'vitest';
import { DOCKERFILES, ROOT } from './dockerfile.js';

const run = promisify(execFile);
const hadolint = await findHadolint();

describe(`Dockerfiles, ${hadolint.name}`, () => {
  if ('missing' in hadolint) test.skip(`cannot be had here: ${hadolint.missing}`, () => undefined);
  else {
    test.each(DOCKERFILES)('%s has no findings', async (path) => {
      // It ends with another code than 0 for any finding; what it says is in the error.
      const { stdout } = await run(hadolint.path, ['--no-color', path], { cwd: ROOT });
      expect(stdout).toBe('');
    });

    test('finds what is wrong', async () => {
      const child = run(hadolint.path, ['--no-color', '--format', 'json', '-']);
      child.child.stdin?.end('FROM debian\nRUN cd /tmp && apt-get install gcc\n');
      const problem = await child.catch((error: { stdout: string }) => error);
      const codes = JSON.parse(problem.stdout).map(({ code }: { code: string }) => code);
      expect(codes).toEqual(expect.arrayContaining(['DL3006', 'DL3003', 'DL3008']));
    });
  }
});
