import { userError } from '@adctl/protocol';
import { addContext, listContexts, removeContext, switchContext } from '../contexts/manage-contexts.js';

/** The name under which other commands find the cluster of `adctl dev --nats`. */
export const DEV_CONTEXT = 'dev';

/**
 * Writes the context of a cluster on this machine and uses it. One that a killed `adctl dev` left behind is replaced.
 *
 * @returns what takes it away again and uses the earlier one
 * @throws AdctlError user `context_exists` when the name belongs to something else than this machine
 */
export async function writeDevContext(
  file: string,
  context: { readonly servers: readonly string[]; readonly identity: string; readonly nkeySeedFile: string },
): Promise<() => Promise<void>> {
  const before = await listContexts(file);
  const same = before.find(({ name }) => name === DEV_CONTEXT);
  if (same?.context.servers.some((server) => !server.startsWith('nats://127.0.0.1:'))) {
    throw userError('context_exists', `There is a context "${DEV_CONTEXT}" already, for another machine.`, {
      hint: `adctl dev --nats needs the name: add that one under another name and run adctl contexts remove ${DEV_CONTEXT}.`,
    });
  }
  const used = before.find(({ name, current }) => current && name !== DEV_CONTEXT)?.name;
  await addContext(file, { name: DEV_CONTEXT, context, use: true, replace: true });
  return async () => {
    const now = await listContexts(file);
    const ours = now.find(({ name }) => name === DEV_CONTEXT);
    if (ours === undefined || ours.context.servers[0] !== context.servers[0]) return; // somebody replaced it meanwhile
    await removeContext(file, DEV_CONTEXT);
    if (used !== undefined && ours.current && now.some(({ name }) => name === used)) await switchContext(file, used);
  };
}
