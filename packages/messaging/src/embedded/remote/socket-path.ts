import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { AdctlError } from '@adctl/protocol';

/** The kernel's limit on the bytes of a socket's path, its ending zero byte included (unix(7)); macOS has 104. */
const LONGEST_PATH_BYTES = (process.platform === 'darwin' ? 104 : 108) - 1;

/**
 * Where the controller of a directory listens: `run/controller.sock` in it, or, where that path is too long for a
 * socket, a short path in the user's run-time or temporary folder, written down in `run/socket`.
 */
export function socketPathOf(directory: string): string {
  const near = join(resolve(directory), 'run', 'controller.sock');
  if (Buffer.byteLength(near) <= LONGEST_PATH_BYTES) return near;
  return readPointer(directory) ?? farPath(directory);
}

/**
 * Makes the socket's folder (0700) and, when the socket lies elsewhere, the pointer to it.
 * @throws AdctlError permanent `socket_folder_unsafe` when others could reach the folder.
 */
export function prepareSocketFolder(directory: string, socketPath: string): void {
  const folder = dirname(socketPath);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  assertPrivateFolder(folder);
  const run = join(resolve(directory), 'run');
  if (folder === run) return;
  mkdirSync(run, { recursive: true, mode: 0o700 });
  writeFileSync(pointerFile(directory), `${socketPath}\n`, { mode: 0o600 });
}

/**
 * Refuses a folder that is not this user's alone: whoever can write there could answer in the controller's place.
 * @throws AdctlError permanent `socket_folder_unsafe`.
 */
export function assertPrivateFolder(folder: string): void {
  const facts = lstatSync(folder);
  if (facts.isDirectory() && facts.uid === userInfo().uid && (facts.mode & 0o077) === 0) return;
  throw new AdctlError(`${folder} is open to other users, so the controller's socket would not be safe there`, {
    code: 'socket_folder_unsafe',
    kind: 'permanent',
    hint: `Run \`chmod 700 ${folder}\` if it is yours, or remove it.`,
    details: { folder },
  });
}

const pointerFile = (directory: string) => join(resolve(directory), 'run', 'socket');

function readPointer(directory: string): string | null {
  try {
    return readFileSync(pointerFile(directory), 'utf8').trim();
  } catch {
    return null; // nobody listened here yet
  }
}

function farPath(directory: string): string {
  const base = process.env.XDG_RUNTIME_DIR ?? tmpdir();
  const digest = createHash('sha256').update(realPathOf(directory)).digest('hex').slice(0, 16);
  return join(base, `adctl-${userInfo().uid}`, `${digest}.sock`);
}

function realPathOf(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return resolve(directory); // not made yet
  }
}
