import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { fromFileSystem, uploadEmpty, uploadMissing } from '../errors.js';
import type { MultipartUpload, PutOptions, PutOutcome, WriteOptions } from '../object-store.js';
import { type FileSystem, makeFolder, orNull, syncFolder } from './file-system.js';
import { mayStillWrite } from './may-still-write.js';
import type { Staging } from './staging.js';

/** What an upload needs of the store: a place for its parts, and a way to give the whole its name. */
export interface UploadContext {
  readonly fs: FileSystem;
  readonly staging: Staging;
  /** Folder of all unfinished uploads. */
  readonly uploads: string;
  /** Puts a staged file under the key. */
  commit(key: string, path: string, options: PutOptions): Promise<PutOutcome>;
}

const UPLOAD_ID = /^[0-9a-f-]{36}$/;
const PART_FILE = /^(\d{5})\.part$/;
/** Bytes copied at a time when the parts are joined. */
const CHUNK_BYTES = 1024 * 1024;

/** Age without a new part at which an unfinished upload is given up; the S3 bucket's lifecycle rule says the same. */
const STALE_MS = 2 * 24 * 60 * 60 * 1000;

/** Begins an upload: a folder with the key in it, then one file a part. Uploads that were given up are swept first. */
export async function createUpload(context: UploadContext, key: string): Promise<MultipartUpload> {
  await removeStaleUploads(context);
  const uploadId = randomUUID();
  const folder = join(context.uploads, uploadId);
  await makeFolder(context.fs, folder);
  await writeInto(context, [Buffer.from(key)], join(folder, 'key'));
  return new FilesystemUpload(context, key, uploadId, folder);
}

/** @throws AdctlError permanent `upload_missing`. */
export async function resumeUpload(context: UploadContext, key: string, uploadId: string): Promise<MultipartUpload> {
  if (!UPLOAD_ID.test(uploadId)) throw uploadMissing(key, uploadId);
  const folder = join(context.uploads, uploadId);
  const handle = await orNull(context.fs.open(join(folder, 'key'), constants.O_RDONLY));
  if (handle === null) throw uploadMissing(key, uploadId);
  try {
    if ((await handle.readFile('utf8')) !== key) throw uploadMissing(key, uploadId);
  } finally {
    await handle.close();
  }
  return new FilesystemUpload(context, key, uploadId, folder);
}

async function removeStaleUploads({ fs, uploads }: UploadContext): Promise<void> {
  for (const name of (await orNull(fs.readdir(uploads))) ?? []) {
    const facts = await orNull(fs.lstat(join(uploads, name)));
    const stale = facts !== null && Date.now() - facts.mtimeMs > STALE_MS;
    if (stale) await fs.rm(join(uploads, name), { recursive: true, force: true });
  }
}

class FilesystemUpload implements MultipartUpload {
  constructor(
    private readonly context: UploadContext,
    private readonly key: string,
    readonly uploadId: string,
    private readonly folder: string,
  ) {}

  async putPart(part: number, content: Uint8Array, options: WriteOptions = {}): Promise<void> {
    if (!Number.isInteger(part) || part < 1 || part > 10_000)
      throw new RangeError(`part ${part} is not within 1 to 10000`);
    mayStillWrite(options);
    const stored = await this.#named(() =>
      orNull(writeInto(this.context, [content], this.#file(part)).then(() => true)),
    );
    if (stored === null) throw uploadMissing(this.key, this.uploadId);
  }

  async parts(): Promise<readonly { readonly part: number; readonly bytes: number }[]> {
    const names = await this.#named(() => orNull(this.context.fs.readdir(this.folder)));
    if (names === null) throw uploadMissing(this.key, this.uploadId);
    const parts = [];
    for (const name of names.sort()) {
      const number = PART_FILE.exec(name)?.[1];
      if (number === undefined) continue;
      const facts = await this.#named(() => this.context.fs.lstat(join(this.folder, name)));
      parts.push({ part: Number(number), bytes: facts.size });
    }
    return parts;
  }

  async complete(options: Pick<PutOptions, 'ifAbsent' | keyof WriteOptions> = {}): Promise<PutOutcome> {
    const parts = await this.parts();
    if (parts.length === 0) throw uploadEmpty(this.key);
    const content = joined(
      this.context.fs,
      parts.map(({ part }) => this.#file(part)),
    );
    const outcome = await this.#named(() =>
      this.context.staging.withFile(content, (path) => this.context.commit(this.key, path, options)),
    );
    await this.abort();
    return outcome;
  }

  async abort(): Promise<void> {
    await this.#named(() => this.context.fs.rm(this.folder, { recursive: true, force: true }));
  }

  #file(part: number): string {
    return join(this.folder, `${String(part).padStart(5, '0')}.part`);
  }

  async #named<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw fromFileSystem(error, this.folder);
    }
  }
}

/** Writes a file whole or not at all. */
async function writeInto(context: UploadContext, content: readonly Uint8Array[], path: string): Promise<void> {
  await context.staging.withFile(content, async (staged) => {
    await context.fs.rename(staged, path);
    await syncFolder(context.fs, join(path, '..'));
  });
}

async function* joined(fs: FileSystem, files: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    const handle = await fs.open(file, constants.O_RDONLY);
    try {
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
      for (let read = await handle.read(buffer); read.bytesRead > 0; read = await handle.read(buffer)) {
        yield buffer.subarray(0, read.bytesRead);
      }
    } finally {
      await handle.close();
    }
  }
}
