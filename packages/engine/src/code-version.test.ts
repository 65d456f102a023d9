import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { codeVersion } from './code-version.js';

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

/** A folder of packages where each listed file holds its own name, or what `changes` says. */
function packages(changes: Record<string, string> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'adctl-code-version-'));
  made.push(root);
  const files: Record<string, string> = {};
  for (const folder of ['methods/dist/kit', 'evaluation/dist', 'datasets/dist', 'random/dist', 'worker/dist/trainer']) {
    files[`${folder}/index.js`] = folder;
  }
  files['methods/dist/dae/model.js'] = 'dae';
  files['methods/dist/ocgan/model.js'] = 'ocgan';
  for (const [file, content] of Object.entries({ ...files, ...changes })) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), content);
  }
  return root;
}

describe('codeVersion', () => {
  test('is the same for the same code in another place, and ignores maps and type declarations', () => {
    const extras = { 'methods/dist/kit/index.d.ts': 'types', 'methods/dist/kit/index.js.map': 'map' };

    expect(codeVersion('dae', packages(extras))).toBe(codeVersion('dae', packages()));
  });

  test.each([
    'methods/dist/dae/model.js',
    'methods/dist/kit/index.js',
    'evaluation/dist/index.js',
    'datasets/dist/readers/idx.js',
    'random/dist/index.js',
    'worker/dist/trainer/train.js',
  ])('changes when %s does', (file) => {
    expect(codeVersion('dae', packages({ [file]: 'changed' }))).not.toBe(codeVersion('dae', packages()));
  });

  test('another method is another version, and its changes leave the first alone', () => {
    const changed = packages({ 'methods/dist/ocgan/model.js': 'changed' });

    expect(codeVersion('dae', changed)).toBe(codeVersion('dae', packages()));
    expect(codeVersion('ocgan', changed)).not.toBe(codeVersion('dae', changed));
  });

  test('asks for a build where there is none', () => {
    expect(() => codeVersion('smai', packages())).toThrow(/no compiled code in .*smai/);
  });
});
