import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { crc32 } from 'node:zlib';

export type Operation =
  | 'CreateBucket'
  | 'HeadBucket'
  | 'ListObjectsV2'
  | 'ListMultipartUploads'
  | 'PutBucketLifecycleConfiguration'
  | 'PutObject'
  | 'GetObject'
  | 'HeadObject'
  | 'DeleteObject'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'ListParts'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'Unknown';

/** One request, read whole, with the framing of the SDK's streamed uploads taken off. */
export interface S3Request {
  readonly operation: Operation;
  readonly method: string;
  readonly bucket: string;
  /** Empty for requests about the bucket. */
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Reads a path-style request: `/bucket/key`. */
export async function readRequest(incoming: IncomingMessage): Promise<S3Request> {
  const url = new URL(incoming.url ?? '/', 'http://fake');
  const [bucket = '', ...segments] = decodeURIComponent(url.pathname).slice(1).split('/');
  const key = segments.join('/');
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value);
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  let body: Buffer = Buffer.concat(chunks);
  if (headers['x-amz-content-sha256']?.startsWith('STREAMING-')) {
    const framed = takeOffFraming(body);
    body = framed.body;
    Object.assign(headers, framed.trailers);
  }
  const method = incoming.method ?? 'GET';
  return {
    operation: operationOf(method, key, url.searchParams),
    method,
    bucket,
    key,
    query: url.searchParams,
    headers,
    body,
  };
}

function operationOf(method: string, key: string, query: URLSearchParams): Operation {
  if (key === '') {
    if (query.has('lifecycle')) return method === 'PUT' ? 'PutBucketLifecycleConfiguration' : 'Unknown';
    if (query.has('uploads')) return 'ListMultipartUploads';
    if (method === 'GET') return 'ListObjectsV2';
    return ({ PUT: 'CreateBucket', HEAD: 'HeadBucket' } as const)[method] ?? 'Unknown';
  }
  if (query.has('uploads') && method === 'POST') return 'CreateMultipartUpload';
  if (query.has('uploadId')) {
    const operations = {
      PUT: 'UploadPart',
      GET: 'ListParts',
      POST: 'CompleteMultipartUpload',
      DELETE: 'AbortMultipartUpload',
    } as const;
    return operations[method as keyof typeof operations] ?? 'Unknown';
  }
  const operations = { PUT: 'PutObject', GET: 'GetObject', HEAD: 'HeadObject', DELETE: 'DeleteObject' } as const;
  return operations[method as keyof typeof operations] ?? 'Unknown';
}

/** `aws-chunked`: `size;…\r\n` bytes `\r\n` … `0\r\n` trailers. */
function takeOffFraming(raw: Buffer): { readonly body: Buffer; readonly trailers: Record<string, string> } {
  const chunks: Buffer[] = [];
  let at = 0;
  while (true) {
    const end = raw.indexOf('\r\n', at);
    const size = Number.parseInt(raw.toString('latin1', at, end), 16);
    at = end + 2;
    if (!(size > 0)) break;
    chunks.push(raw.subarray(at, at + size));
    at += size + 2;
  }
  const trailers: Record<string, string> = {};
  for (const line of raw.toString('latin1', at).split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) trailers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { body: Buffer.concat(chunks), trailers };
}

/** Whether every checksum the request names is the body's. */
export function checksumsHold({ headers, body }: S3Request): boolean {
  const given = (name: string) => headers[`x-amz-checksum-${name}`];
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(body));
  const hashed = headers['x-amz-content-sha256'];
  return (
    [undefined, createHash('sha256').update(body).digest('base64')].includes(given('sha256')) &&
    [undefined, crc.toString('base64')].includes(given('crc32')) &&
    (!/^[0-9a-f]{64}$/.test(hashed ?? '') || hashed === createHash('sha256').update(body).digest('hex'))
  );
}
