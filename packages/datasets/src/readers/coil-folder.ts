import { badFolder } from '../errors.js';
import type { FolderImage, FolderListing } from './image-folder.js';
import { imageNamesIn, inOrder, resolveRoot } from './walk-folder.js';

const LAYOUT = 'obj1__0.png, obj1__5.png, … in one folder';

/**
 * Lists COIL-100: files `obj<number>__<angle>.png` in one folder; the class is what stands before the underscores. Other files are
 * left alone; the set has no parts.
 *
 * @throws AdctlError user `bad_image_folder`, `unsafe_path`.
 */
export async function listCoilFolder(givenRoot: string): Promise<FolderListing> {
  const root = await resolveRoot(givenRoot);
  const names = await imageNamesIn(root, root);
  const whole = names.flatMap((name): FolderImage[] => {
    const className = /^(obj\d+)__\d+\./.exec(name)?.[1];
    return className === undefined ? [] : [{ path: name, className }];
  });
  if (whole.length === 0) throw badFolder(root, 'holds no file like obj1__0.png', LAYOUT);
  return { root, classes: inOrder(new Set(whole.map(({ className }) => className))), parts: { whole } };
}
