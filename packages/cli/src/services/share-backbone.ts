import { backboneKey, type Sha256 } from '@adctl/protocol';
import { type ObjectPlace, openObjects, putInParts } from '@adctl/storage';

/**
 * Puts weights where the workers of a deployment find them: into its object store, by digest. What is there already stays.
 *
 * @returns where they lie.
 * @throws what the store throws.
 */
export async function shareBackbone(place: ObjectPlace, digest: Sha256, content: Uint8Array): Promise<string> {
  const { store, locate, close } = await openObjects(place);
  try {
    const key = backboneKey(digest);
    if ((await store.head(key))?.bytes !== content.length) await putInParts(store, key, content);
    return locate(key);
  } finally {
    close();
  }
}
