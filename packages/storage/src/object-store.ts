/** Facts about a stored object. */
export interface ObjectInfo {
  readonly key: string;
  readonly bytes: number;
  /** The token for `ifMatch`; opaque, changes whenever the content does. Not a content hash. */
  readonly etag: string;
  readonly modifiedAt: Date;
}

/** How a write is called off. */
export interface WriteOptions {
  /** Ends the call, also between two tries; the reason is what it throws. */
  readonly signal?: AbortSignal;
  /**
   * Asked before every try, the first included: what it throws ends the call, and nothing more is sent. A signal may be
   * late after a pause of the whole process, when timers that abort it and timers that try again come due together.
   */
  readonly beforeTry?: () => void;
}

export interface PutOptions extends WriteOptions {
  /** Write only if the key is absent. */
  readonly ifAbsent?: boolean;
  /** Write only if the current etag is this one. */
  readonly ifMatch?: string;
  readonly contentType?: string;
}

/** A condition that did not hold is an expected ending, not an exception. */
export type PutOutcome = { readonly written: true; readonly etag: string } | { readonly written: false };

/**
 * Objects by key. Keys are `/`-joined segments of `[A-Za-z0-9._=-]`, never empty, `.` or `..`, at most 1,024 bytes;
 * anything else is a `bug` error `bad_object_key` before it reaches the store. A reader never sees a half-written object.
 */
export interface ObjectStore {
  put(key: string, content: Uint8Array, options?: PutOptions): Promise<PutOutcome>;
  /** The content, or null when the key is absent. */
  get(key: string): Promise<{ readonly content: Uint8Array; readonly info: ObjectInfo } | null>;
  /** Streams the content in chunks. @throws AdctlError permanent `object_missing`. */
  read(key: string): AsyncIterable<Uint8Array>;
  head(key: string): Promise<ObjectInfo | null>;
  /** Objects below a prefix in key order, paged by the store, yielded one by one. */
  list(prefix: string, options?: { readonly after?: string }): AsyncIterable<ObjectInfo>;
  /** Deleting what is not there is fine. */
  delete(key: string, options?: WriteOptions): Promise<void>;
  /** Starts a write in parts, for large objects and resume. */
  createMultipart(
    key: string,
    options?: Pick<PutOptions, 'contentType' | keyof WriteOptions>,
  ): Promise<MultipartUpload>;
  /** Takes up an unfinished upload again. @throws AdctlError permanent `upload_missing`. */
  resumeMultipart(key: string, uploadId: string): Promise<MultipartUpload>;
}

/** Parts are numbered from 1; nothing is visible under the key before `complete`. */
export interface MultipartUpload {
  readonly uploadId: string;
  putPart(part: number, content: Uint8Array, options?: WriteOptions): Promise<void>;
  parts(): Promise<readonly { readonly part: number; readonly bytes: number }[]>;
  complete(options?: Pick<PutOptions, 'ifAbsent' | keyof WriteOptions>): Promise<PutOutcome>;
  abort(): Promise<void>;
}
