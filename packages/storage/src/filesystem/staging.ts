import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type FileSystem, makeFolder, orNull } from './file-system.js';

/** Age at which leftovers of other machines are swept, whoever made them. */
const STALE_MS = 24 * 60 * 60 * 1000;

/**
 * Where files are written before they get their name: in the store's own file system, so that naming them is one atomic
 * link or rename. File names carry host and process, so leftovers of processes that died can be told from work under way.
 */
export class Staging {
  readonly #host = hostname().replace(/[^A-Za-z0-9-]/g, '-');
  #swept: Promise<void> | null = null;

  constructor(
    private readonly fs: FileSystem,
    private readonly folder: string,
  ) {}

  /**
   * Writes a new file, fsyncs it, and hands its path to `use`; whatever is left under that path afterwards is removed.
   */
  async withFile<T>(
    content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    use: (path: string) => Promise<T>,
  ): Promise<T> {
    await this.sweep();
    const path = join(this.folder, `${this.#host}.${process.pid}.${randomUUID()}`);
    try {
      const handle = await this.#create(path);
      try {
        for await (const chunk of content) await handle.writeFile(chunk);
        await handle.sync();
      } finally {
        await handle.close();
      }
      return await use(path);
    } finally {
      await orNull(this.fs.unlink(path));
    }
  }

  /** Removes, once, what dead processes left behind. */
  sweep(): Promise<void> {
    this.#swept ??= this.#removeLeftovers();
    return this.#swept;
  }

  async #create(path: string) {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    const handle = await orNull(this.fs.open(path, flags, 0o644));
    if (handle !== null) return handle;
    await makeFolder(this.fs, this.folder);
    return this.fs.open(path, flags, 0o644);
  }

  async #removeLeftovers(): Promise<void> {
    const names = (await orNull(this.fs.readdir(this.folder))) ?? [];
    for (const name of names) {
      const path = join(this.folder, name);
      if (this.#isDead(name) || (await this.#isStale(path))) await orNull(this.fs.unlink(path));
    }
  }

  #isDead(name: string): boolean {
    const [host, pid] = name.split('.');
    if (host !== this.#host || Number(pid) === process.pid) return false;
    try {
      process.kill(Number(pid), 0);
      return false;
    } catch (error) {
      // EPERM: it lives, as another user.
      return error instanceof Error && 'code' in error && error.code === 'ESRCH';
    }
  }

  async #isStale(path: string): Promise<boolean> {
    const facts = await orNull(this.fs.lstat(path));
    return facts !== null && Date.now() - facts.mtimeMs > STALE_MS;
  }
}
