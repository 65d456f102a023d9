import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { codeVersion, SHARED_CODE } from './code-version.js';

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

const manifest = (members: Record<string, Record<string, string>>) => JSON.stringify(members);

/** A folder of packages where each listed file holds its own name, or what `changes` says. */
function packages(changes: Record<string, string> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'adctl-code-version-'));
  made.push(root);
  const files: Record<string, string> = {};
  for (const code of SHARED_CODE) files[code.endsWith('.js') ? code : `${code}/index.js`] = code;
  for (const name of ['methods', 'evaluation', 'datasets', 'random', 'worker']) {
    files[`${name}/package.json`] = manifest({ dependencies: { '@adctl/protocol': '0.1.0', sharp: '0.35.5' } });
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
    'methods/dist/backbones/backbone.js',
    'methods/dist/method.js',
  ])('changes when %s does', (file) => {
    expect(codeVersion('dae', packages({ [file]: 'changed' }))).not.toBe(codeVersion('dae', packages()));
  });

  test('changes with the version of a foreign package, not with that of our own', () => {
    const sharp = manifest({ dependencies: { '@adctl/protocol': '0.1.0', sharp: '0.36.0' } });
    const protocol = manifest({ dependencies: { '@adctl/protocol': '0.2.0', sharp: '0.35.5' } });
    const peer = manifest({ dependencies: { sharp: '0.35.5' }, peerDependencies: { '@tensorflow/tfjs': '4.23.0' } });
    const version = (text: string) => codeVersion('dae', packages({ 'methods/package.json': text }));

    expect(version(protocol)).toBe(codeVersion('dae', packages()));
    expect(version(sharp)).not.toBe(codeVersion('dae', packages()));
    expect(version(peer)).not.toBe(codeVersion('dae', packages()));
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

describe('the code that decides numbers', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const toSource = (code: string) => code.replace('/dist', '/src').replace(/\.js$/, '.ts');
  const shared = SHARED_CODE.map(toSource);
  const methods = readdirSync(join(root, 'methods/src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !['contracts', 'testing'].includes(entry.name))
    .map(({ name }) => `methods/src/${name}`)
    .filter((folder) => !shared.includes(folder));

  test.each([...shared, ...methods])('%s imports nothing of our own that is in no digest', (code) => {
    const hashed = [...shared, code];
    const outside = sources(root, code).flatMap((file) =>
      relativeImports(readFileSync(join(root, file), 'utf8'))
        .map((name) => toSource(normalize(join(dirname(file), name))))
        .filter((target) => !hashed.some((known) => target === known || target.startsWith(`${known}/`))),
    );

    expect(outside).toEqual([]);
  });

  test('the packages that it imports are digested or hold no arithmetic', () => {
    const digested = new Set(shared.map((code) => code.split('/')[0]));
    const used = [...shared, ...methods].flatMap((code) =>
      sources(root, code).flatMap((file) => imports(readFileSync(join(root, file), 'utf8'))),
    );
    const own = new Set(used.flatMap((name) => /^@adctl\/([^/]+)/.exec(name)?.[1] ?? []));

    // What crosses a process boundary; the loader of TensorFlow, whose version every result carries.
    expect([...own].filter((name) => !digested.has(name)).sort()).toEqual(['engine', 'protocol']);
  });
});

/** Source files that are compiled, relative to the root. */
function sources(root: string, code: string): string[] {
  if (code.endsWith('.ts')) return [code];
  return readdirSync(join(root, code), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/\.(test|fixtures|pretrained|learn)\./.test(basename(file)))
    .filter((file) => !/(^|\/)(testing|contracts)\//.test(file))
    .map((file) => `${code}/${file}`);
}

/** Modules imported for more than their types. */
function imports(source: string): string[] {
  const statements = source.matchAll(
    /^(?:import|export)\s(?!type\s)(?:[^;]*?\sfrom\s)?'([^']+)'|\bimport\('([^']+)'\)/gm,
  );
  return [...statements].flatMap(([, name, lazy]) => name ?? lazy ?? []);
}

function relativeImports(source: string): string[] {
  return imports(source).filter((name) => name.startsWith('.'));
}
