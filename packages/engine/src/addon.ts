import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { compileFailed, toolMissing } from './errors.js';
import type { Libraries } from './libraries.js';
import { runProgram } from './process.js';

const require = createRequire(import.meta.url);

export interface CompileOptions {
  /** Compiler command; further words are its first arguments (`ccache g++`). */
  readonly compiler: string;
  readonly bindingDir: string;
  readonly libraries: Libraries;
  /** Run-time search path of the addon; `$ORIGIN` is its own folder. */
  readonly rpath: string;
  readonly output: string;
}

/**
 * The one compiler call that makes the addon.
 *
 * `--disable-new-dtags` and `--no-as-needed`: both libraries are recorded, and their own `$ORIGIN`-relative paths (the
 * CUDA wheels find `nvidia/…/lib` that way) keep working; a companion that the addon needs is loaded when TensorFlow asks for its
 * name. Node's symbols stay open, as in every addon.
 */
export function compileArguments(options: CompileOptions): string[] {
  const { bindingDir, libraries, rpath, output } = options;
  return [
    ...['-std=c++17', '-O2', '-shared', '-fPIC', '-DNAPI_VERSION=8', '-DBUILDING_NODE_EXTENSION'],
    ...['-I', nodeApiHeaders(), '-I', libraries.include],
    ...[join(bindingDir, 'tfjs_backend.cc'), join(bindingDir, 'tfjs_binding.cc'), '-o', output],
    ...['-Wl,--no-as-needed', '-Wl,--disable-new-dtags', `-Wl,-rpath,${rpath}`],
    ...[`-L${libraries.directory}`, `-l:${libraries.main}`, `-l:${libraries.framework}`],
    ...libraries.companions.map(({ directory, name }) => join(directory, name)),
  ];
}

/**
 * Compiles the addon (about 10 s).
 *
 * @throws AdctlError `compile_failed` (permanent), `compiler_missing` (user)
 */
export async function compileAddon(options: CompileOptions): Promise<void> {
  const [command = options.compiler, ...first] = options.compiler.split(/\s+/);
  const args = [...first, ...compileArguments(options)];
  const result = await runProgram(command, args);
  if (result === undefined) throw compilerMissing(options.compiler);
  if (result.code !== 0) throw compileFailed([command, ...args].join(' '), result.output);
}

/**
 * First line of the compiler's `--version`, for the manifest.
 *
 * @throws AdctlError `compiler_missing` (user)
 */
export async function compilerVersion(compiler: string): Promise<string> {
  const [command = compiler, ...first] = compiler.split(/\s+/);
  const result = await runProgram(command, [...first, '--version']);
  if (result === undefined || result.code !== 0) throw compilerMissing(compiler);
  return result.stdout.split('\n')[0] ?? compiler;
}

function compilerMissing(compiler: string) {
  const hint = 'Install one (Debian, Ubuntu: apt-get install g++), or name yours in CXX.';
  return toolMissing('compiler_missing', `The C++ compiler "${compiler}" is missing.`, hint);
}

function nodeApiHeaders(): string {
  return join(dirname(require.resolve('node-api-headers/package.json')), 'include');
}
