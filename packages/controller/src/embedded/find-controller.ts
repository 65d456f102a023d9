import type { Messaging } from '@adctl/messaging';
import { connectEmbedded, socketPathOf } from '@adctl/messaging/embedded';
import { AdctlError } from '@adctl/protocol';

/**
 * Connects to the controller that runs in a folder.
 * @param directory the `.adctl` folder.
 * @returns null when none runs there.
 * @throws AdctlError user `version_mismatch`; permanent `socket_folder_unsafe`.
 */
export async function findController(
  directory: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Messaging | null> {
  try {
    return await connectEmbedded(socketPathOf(directory), options);
  } catch (error) {
    if (error instanceof AdctlError && error.code === 'controller_unreachable') return null;
    throw error;
  }
}
