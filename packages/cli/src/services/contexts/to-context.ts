import { userInfo } from 'node:os';
import { resolve } from 'node:path';

/** The words of `adctl contexts add` as a context: paths made absolute, the user's own name by default. Not checked yet. */
export function toContext(words: {
  readonly servers: readonly string[];
  readonly identity: string | undefined;
  readonly namespace: string | undefined;
  readonly user: string | undefined;
  readonly files: Readonly<Record<string, string | undefined>>;
}): Record<string, unknown> {
  const { servers, namespace, user, files } = words;
  const named = Object.entries(files).flatMap(([name, path]) => (path === undefined ? [] : [[name, resolve(path)]]));
  return {
    servers,
    identity: words.identity ?? user ?? userInfo().username,
    ...(namespace === undefined ? {} : { namespace }),
    ...(user === undefined ? {} : { user }),
    ...Object.fromEntries(named),
  };
}
