import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ProbeReport } from './probe.js';
import { calledSymbols } from './symbols.js';
import { addonPackageDir } from './versions.js';

const execute = promisify(execFile);

/** A folder of its own for a test. */
export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'adctl-engine-'));
}

/** Writes an executable shell script. */
export async function writeScript(path: string, body: string): Promise<string> {
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

/** A compiler that writes its arguments into the file after `-o`. */
export function fakeCompiler(folder: string): Promise<string> {
  const body =
    '[ "$1" = --version ] && { echo "fake++ 1.0"; exit 0; }\n' +
    'all="$*"\nwhile [ "$1" != -o ]; do shift; done\necho "$all" > "$2"';
  return writeScript(join(folder, 'fake-compiler'), body);
}

/** A compiler that is there but rejects everything. */
export function brokenCompiler(folder: string): Promise<string> {
  const body =
    '[ "$1" = --version ] && { echo "fake++ 1.0"; exit 0; }\necho "tfjs_backend.cc:1: error: no" >&2; exit 1';
  return writeScript(join(folder, 'broken-compiler'), body);
}

/** A program that stands in for `main-probe.js`; reports a passed self-test, or fails. */
export async function fakeProbe(folder: string, outcome: 'passes' | 'fails'): Promise<string> {
  const report: ProbeReport = {
    info: {
      ...{ tensorflowVersion: '2.21.0', addonVersion: '4.22.0', flavour: 'cpu', isUsingGpu: false },
      ...{ threads: { intra: 1, inter: 1 }, path: folder },
    },
    selfTest: [{ name: 'matMul', passed: true, detail: '' }],
    elapsedMs: 1,
  };
  const path = join(folder, `probe-${outcome}.mjs`);
  const text =
    outcome === 'passes' ? `console.log(${JSON.stringify(JSON.stringify(report))})` : `throw new Error('SIGILL')`;
  await writeFile(path, text);
  return path;
}

/**
 * A folder in the shape of a wheel's `tensorflow/`, with a real (tiny) shared library.
 *
 * @param without leave this function out of the exports
 */
export async function fakeTensorflow(folder: string, without?: string): Promise<string> {
  const directory = join(folder, without === undefined ? 'tensorflow' : `tensorflow-without-${without}`);
  const headers = join(directory, 'include/tensorflow/c/eager');
  await mkdir(headers, { recursive: true });
  await writeFile(join(headers, 'c_api.h'), '');
  const binding = join(addonPackageDir('cpu'), 'binding');
  const texts = await Promise.all((await readdir(binding)).map((name) => readFile(join(binding, name), 'utf8')));
  const names = calledSymbols(texts.join('\n')).filter((name) => name !== without);
  const source = join(folder, 'fake.cc');
  await writeFile(source, names.map((name) => `extern "C" void ${name}() {}`).join('\n'));
  await execute('g++', ['-shared', '-fPIC', source, '-o', join(directory, 'libtensorflow_cc.so.2')]);
  await writeFile(source, 'extern "C" void nothing() {}');
  await execute('g++', ['-shared', '-fPIC', source, '-o', join(directory, 'libtensorflow_framework.so.2')]);
  return directory;
}
