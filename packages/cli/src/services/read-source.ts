import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { applyOverrides, userError } from '@adctl/protocol';

/** A sweep file as it is submitted. */
export interface SweepSource {
  /** The file's text with the `--set` values in it. */
  readonly source: string;
  /** The text as written, for messages with its own lines. */
  readonly written: string;
  readonly overrides: readonly string[];
  /** Name for messages. */
  readonly file: string;
  /** Folder that relative dataset roots start from, absolute. */
  readonly directory: string;
}

/**
 * Reads a sweep file, or stdin for `-`.
 *
 * @param overrides `path=value` of each `--set`
 * @throws AdctlError user `file_unreadable`; SweepFileError when an override cannot be applied
 */
export async function readSource(file: string, overrides: readonly string[]): Promise<SweepSource> {
  const fromStdin = file === '-';
  const name = fromStdin ? '(stdin)' : file;
  const written = fromStdin ? await text(process.stdin) : await readText(file);
  const directory = fromStdin ? process.cwd() : dirname(resolve(file));
  return { source: applyOverrides(written, overrides, { file: name }), written, overrides, file: name, directory };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    const reasons: Record<string, string> = {
      ENOENT: 'there is no such file',
      EISDIR: 'it is a folder',
      EACCES: 'it may not be read',
    };
    const reason = reasons[String(code)];
    if (reason === undefined) throw cause;
    throw userError('file_unreadable', `Cannot read ${file}: ${reason}.`, {
      hint: 'Give the path of a sweep file; examples are in examples/sweeps/.',
    });
  }
}
