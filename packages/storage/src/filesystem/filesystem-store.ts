import { type BigIntStats, constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errnoOf, fromFileSystem, objectKeyConflict, objectMissing } from '../errors.js';
import { assertObjectKey, assertObjectPrefix } from '../object-key.js';
import type {
  MultipartUpload,
  ObjectInfo,
  ObjectStore,
  PutOptions,
  PutOutcome,
  WriteOptions,
} from '../object-store.js';
import { etagOf, stamp, toObjectInfo } from './etag.js';
import { type FileSystem, nodeFileSystem, orNull, removeEmptyFolders, syncFolder } from './file-system.js';
import { KeyLocks } from './key-locks.js';
import { listObjects } from './list.js';
import { mayStillWrite } from './may-still-write.js';
import { createUpload, resumeUpload, type UploadContext } from './multipart.js';
import { Places } from './places.js';
import { Staging } from './staging.js';

/** Bytes handed on at a time by `read`. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * An object store in a folder, one file an object, with the keys as paths.
 *
 * A write goes to a staged file first, is fsynced, gets its name in one atomic step, and the folder is fsynced: a reader
 * sees the old object or the new one, a crash leaves either. Put-if-absent is `link(2)`, which the kernel lets one caller
 * win. Every other write and delete of a key happens under the key's lock, which holds between processes, so that
 * put-if-match can compare and rename without anyone in between.
 *
 * Content types are not kept. An object at `a` excludes objects below `a/`.
 * @param root the store's folder; made at the first write.
 * @param fs for tests: a file system that fails on purpose.
 */
export function createFilesystemStore(root: string, fs: FileSystem = nodeFileSystem): ObjectStore {
  return new FilesystemStore(resolve(root), fs);
}

class FilesystemStore implements ObjectStore {
  readonly #fs: FileSystem;
  readonly #places: Places;
  readonly #locks: KeyLocks;
  readonly #uploads: UploadContext;

  constructor(root: string, fs: FileSystem) {
    this.#fs = fs;
    this.#places = new Places(fs, root);
    this.#locks = new KeyLocks(fs, this.#places.ownFolder('locks'));
    this.#uploads = {
      fs,
      staging: new Staging(fs, this.#places.ownFolder('staging')),
      uploads: this.#places.ownFolder('uploads'),
      commit: (key, path, options) => this.#commit(key, path, options),
    };
  }

  async put(key: string, content: Uint8Array, options: PutOptions = {}): Promise<PutOutcome> {
    assertObjectKey(key);
    return this.#named(key, async () => {
      // Spares the write where the answer is known; the commit decides.
      if (options.ifAbsent && (await this.#facts(key)) !== null) return { written: false };
      return this.#uploads.staging.withFile([content], (path) => this.#commit(key, path, options));
    });
  }

  async get(key: string): Promise<{ readonly content: Uint8Array; readonly info: ObjectInfo } | null> {
    assertObjectKey(key);
    return this.#named(key, async () => {
      const handle = await this.#open(key);
      if (handle === null) return null;
      try {
        const facts = await handle.stat({ bigint: true });
        return { content: await handle.readFile(), info: toObjectInfo(key, facts) };
      } finally {
        await handle.close();
      }
    });
  }

  async *read(key: string): AsyncGenerator<Uint8Array> {
    assertObjectKey(key);
    const handle = await this.#named(key, () => this.#open(key));
    if (handle === null) throw objectMissing(key);
    try {
      while (true) {
        const { bytesRead, buffer } = await this.#named(key, () => handle.read(Buffer.alloc(CHUNK_BYTES)));
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  }

  async head(key: string): Promise<ObjectInfo | null> {
    assertObjectKey(key);
    const facts = await this.#named(key, () => this.#facts(key));
    return facts === null ? null : toObjectInfo(key, facts);
  }

  async *list(prefix: string, options: { readonly after?: string } = {}): AsyncGenerator<ObjectInfo> {
    assertObjectPrefix(prefix);
    try {
      yield* listObjects(this.#fs, this.#places, prefix, options.after ?? '');
    } catch (error) {
      throw fromFileSystem(error, this.#places.pathOf(prefix));
    }
  }

  async delete(key: string, options: WriteOptions = {}): Promise<void> {
    assertObjectKey(key);
    await this.#named(key, () =>
      this.#locks.hold(key, async () => {
        mayStillWrite(options);
        if ((await this.#facts(key)) === null) return;
        const path = this.#places.pathOf(key);
        await this.#fs.unlink(path);
        await syncFolder(this.#fs, dirname(path));
        await removeEmptyFolders(this.#fs, dirname(path), this.#places.root);
      }),
    );
  }

  async createMultipart(key: string, options: WriteOptions = {}): Promise<MultipartUpload> {
    assertObjectKey(key);
    mayStillWrite(options);
    return this.#named(key, () => createUpload(this.#uploads, key));
  }

  async resumeMultipart(key: string, uploadId: string): Promise<MultipartUpload> {
    assertObjectKey(key);
    return this.#named(key, () => resumeUpload(this.#uploads, key, uploadId));
  }

  /** Gives a staged file the key's name, if the condition holds. */
  async #commit(key: string, staged: string, options: PutOptions): Promise<PutOutcome> {
    mayStillWrite(options);
    if (options.ifAbsent) return this.#places.inFolderOf(key, () => this.#link(key, staged));
    return this.#locks.hold(key, () =>
      this.#places.inFolderOf(key, async () => {
        const current = await this.#facts(key);
        if (options.ifMatch !== undefined && (current === null || etagOf(current) !== options.ifMatch)) {
          return { written: false };
        }
        mayStillWrite(options); // the lock may have been waited for
        await stamp(this.#fs, staged, current);
        const { etag } = toObjectInfo(key, await this.#fs.lstat(staged, { bigint: true }));
        await this.#fs.rename(staged, this.#places.pathOf(key));
        await syncFolder(this.#fs, dirname(this.#places.pathOf(key)));
        return { written: true, etag };
      }),
    );
  }

  async #link(key: string, staged: string): Promise<PutOutcome> {
    const path = this.#places.pathOf(key);
    await stamp(this.#fs, staged, null);
    const { etag } = toObjectInfo(key, await this.#fs.lstat(staged, { bigint: true }));
    try {
      await this.#fs.link(staged, path);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      if ((await this.#facts(key)) === null) throw objectKeyConflict(key); // a folder has that name
      return { written: false };
    }
    await syncFolder(this.#fs, dirname(path));
    return { written: true, etag };
  }

  /** Facts of the object, or null when there is none. A folder or a link is none. */
  async #facts(key: string): Promise<BigIntStats | null> {
    const inside = await orNull(
      this.#places.assertInside(key).then(() => true),
      'ENOTDIR',
    );
    if (inside === null) return null;
    const facts = await orNull(this.#fs.lstat(this.#places.pathOf(key), { bigint: true }), 'ENOTDIR');
    return facts?.isFile() ? facts : null;
  }

  async #open(key: string): Promise<FileHandle | null> {
    if ((await this.#facts(key)) === null) return null;
    return orNull(this.#fs.open(this.#places.pathOf(key), constants.O_RDONLY | constants.O_NOFOLLOW));
  }

  /** Names the key's place in whatever the file system complains about. */
  async #named<T>(key: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw fromFileSystem(error, this.#places.pathOf(key));
    }
  }
}
