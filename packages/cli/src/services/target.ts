import { contextFilePath } from '../environment.js';
import type { NamedContext } from './contexts/manage-contexts.js';

/** The deployment that a command talks to. */
export type Target =
  | {
      readonly kind: 'folder';
      /** The `.adctl` folder, absolute. */
      readonly directory: string;
    }
  | { readonly kind: 'cluster'; readonly context: NamedContext };

/**
 * Which deployment is meant: `--local` the folder, `--context` that cluster, else the context in use, else the folder.
 * @throws AdctlError user `unknown_context`, `contexts_exposed`, `contexts_unreadable`
 */
export async function resolveTarget(flags: {
  readonly directory: string;
  readonly local: boolean;
  readonly context: string | undefined;
}): Promise<Target> {
  const folder = { kind: 'folder', directory: flags.directory } as const;
  if (flags.local) return folder;
  const { findContext, findCurrentContext } = await import('./contexts/manage-contexts.js');
  const file = contextFilePath();
  const context = flags.context === undefined ? await findCurrentContext(file) : await findContext(file, flags.context);
  return context === null ? folder : { kind: 'cluster', context };
}
