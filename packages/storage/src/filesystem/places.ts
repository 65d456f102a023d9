import { dirname, join, relative } from 'node:path';
import { errnoOf, objectKeyConflict, objectOutsideRoot } from '../errors.js';
import { type FileSystem, makeFolder } from './file-system.js';

/** Where keys live on disk, with the promise that no key, and no link inside the store, leads out of it. */
export class Places {
  #realRoot: Promise<string> | null = null;

  /** @param root the store's folder; it may itself be a link, and need not exist yet. */
  constructor(
    private readonly fs: FileSystem,
    readonly root: string,
  ) {}

  pathOf(key: string): string {
    return join(this.root, key);
  }

  /** A folder of the store's own; keys cannot begin with `~`. */
  ownFolder(name: string): string {
    return join(this.root, `~${name}`);
  }

  /**
   * Checks that the folders of a key are folders, not links.
   * @throws AdctlError permanent `object_outside_root`; the file system's ENOENT when a folder is missing.
   */
  async assertInside(key: string): Promise<void> {
    const folder = dirname(this.pathOf(key));
    this.#realRoot ??= this.fs.realpath(this.root);
    let root: string;
    try {
      root = await this.#realRoot;
    } catch (error) {
      this.#realRoot = null; // not made yet: look again next time
      throw error;
    }
    const real = await this.fs.realpath(folder);
    if (real !== join(root, relative(this.root, folder))) throw objectOutsideRoot(key, this.root);
  }

  /**
   * Does something that needs the key's folder, making the folder when it is missing (or was just removed as empty).
   * @throws AdctlError permanent `object_key_conflict` when an object stands where a folder is needed, or the reverse.
   */
  async inFolderOf<T>(key: string, action: () => Promise<T>): Promise<T> {
    const folder = dirname(this.pathOf(key));
    for (let tries = 1; ; tries += 1) {
      try {
        await this.assertInside(key);
        return await action();
      } catch (error) {
        const errno = errnoOf(error);
        if (errno === 'ENOTDIR' || errno === 'EISDIR') throw objectKeyConflict(key);
        if (errno !== 'ENOENT' || tries > 5) throw error;
        await this.#make(key, folder);
      }
    }
  }

  async #make(key: string, folder: string): Promise<void> {
    try {
      await makeFolder(this.fs, folder);
    } catch (error) {
      if (errnoOf(error) === 'ENOTDIR' || errnoOf(error) === 'EEXIST') throw objectKeyConflict(key);
      throw error;
    }
  }
}
