import { createHash } from 'node:crypto';

export interface StoredObject {
  readonly body: Buffer;
  /** Without quotes. MD5 of the body, or of the parts' MD5s with their number behind, as S3 does it. */
  readonly etag: string;
  readonly contentType: string;
  /** `x-amz-meta-*` headers by full name. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly modifiedAt: Date;
}

export interface StoredPart {
  readonly body: Buffer;
  readonly etag: string;
  /** Base64, when the part was sent with one. */
  readonly sha256: string | undefined;
}

export interface StoredUpload {
  readonly bucket: string;
  readonly key: string;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Whether parts must carry a SHA-256, and completion must repeat it. */
  readonly wantsSha256: boolean;
  readonly parts: Map<number, StoredPart>;
}

/** What a fake S3 holds. Tests may look and meddle. */
export interface StoredState {
  readonly buckets: Map<string, Map<string, StoredObject>>;
  /** Unfinished uploads by id. */
  readonly uploads: Map<string, StoredUpload>;
}

export const md5 = (content: Buffer) => createHash('md5').update(content).digest('hex');

/** The object that the parts make together. */
export function joinParts(upload: StoredUpload, parts: readonly StoredPart[], modifiedAt: Date): StoredObject {
  const { contentType, metadata } = upload;
  const sums = Buffer.concat(parts.map(({ etag }) => Buffer.from(etag, 'hex')));
  return {
    body: Buffer.concat(parts.map(({ body }) => body)),
    etag: `${md5(sums)}-${parts.length}`,
    contentType,
    metadata,
    modifiedAt,
  };
}
