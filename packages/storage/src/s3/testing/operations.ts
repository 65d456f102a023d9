import { randomUUID } from 'node:crypto';
import { type ErrorCode, element, errorAnswer, escapeXml, type S3Answer, xmlAnswer } from './s3-answer.js';
import { checksumsHold, type Operation, type S3Request } from './s3-request.js';
import {
  joinParts,
  md5,
  type StoredObject,
  type StoredPart,
  type StoredState,
  type StoredUpload,
} from './stored-objects.js';

/** How far the fake is like S3. Everything defaults to what AWS does. */
export interface FakeBehaviour {
  /** `If-None-Match` and `If-Match` on a put: as AWS, not looked at (old stores), or answered with 501. */
  readonly conditionalPut: 'honoured' | 'ignored' | 'refused';
  readonly conditionalComplete: 'honoured' | 'ignored' | 'refused';
  readonly listsParts: boolean;
  /** Whether an upload is found only under its own key. */
  readonly checksUploadKey: boolean;
  /** Whether a listing shows what was written or deleted since the listing before. */
  readonly listsAtOnce: boolean;
  readonly keepsMetadata: boolean;
  /** Keys of a page of a listing, at most. */
  readonly pageSize: number;
  /** Parts of a page of `ListParts`, at most. */
  readonly partsPageSize: number;
  /** Smallest size of a part that is not the last. */
  readonly leastPartBytes: number;
}

export const AWS: FakeBehaviour = {
  conditionalPut: 'honoured',
  conditionalComplete: 'honoured',
  listsParts: true,
  checksUploadKey: true,
  listsAtOnce: true,
  keepsMetadata: true,
  pageSize: 1000,
  partsPageSize: 1000,
  leastPartBytes: 5 * 1024 * 1024,
};

export interface OperationContext {
  readonly state: StoredState;
  readonly behaviour: FakeBehaviour;
  /** The listing that a store with late listings shows, by bucket. */
  readonly lateListings: Map<string, ReadonlyMap<string, StoredObject>>;
  /** Milliseconds since 1970. */
  now(): number;
}

type Handler = (context: OperationContext, request: S3Request, bucket: Map<string, StoredObject>) => S3Answer;

/** Does one request to the stored state. No faults here; that is the server's part. */
export function answerRequest(context: OperationContext, request: S3Request): S3Answer {
  if (request.operation === 'CreateBucket') {
    if (context.state.buckets.has(request.bucket)) return errorAnswer('BucketAlreadyOwnedByYou');
    context.state.buckets.set(request.bucket, new Map());
    return { status: 200 };
  }
  const bucket = context.state.buckets.get(request.bucket);
  if (bucket === undefined) return errorAnswer('NoSuchBucket');
  if (!checksumsHold(request)) return errorAnswer('BadDigest');
  const handler = HANDLERS[request.operation];
  return handler === undefined ? errorAnswer('NotImplemented') : handler(context, request, bucket);
}

const HANDLERS: Partial<Record<Operation, Handler>> = {
  HeadBucket: () => ({ status: 200 }),
  PutBucketLifecycleConfiguration: () => ({ status: 200 }),
  ListObjectsV2: listObjects,
  ListMultipartUploads: ({ state }, request) =>
    xmlAnswer(
      'ListMultipartUploadsResult',
      [...state.uploads]
        .filter(([, upload]) => upload.bucket === request.bucket)
        .map(([id, { key }]) => element('Upload', element('Key', escapeXml(key)) + element('UploadId', id)))
        .join(''),
    ),
  PutObject: putObject,
  GetObject: getObject,
  HeadObject: getObject,
  DeleteObject: (_context, { key }, bucket) => {
    bucket.delete(key);
    return { status: 204 };
  },
  CreateMultipartUpload: createUpload,
  UploadPart: putPart,
  ListParts: listParts,
  CompleteMultipartUpload: completeUpload,
  AbortMultipartUpload: (context, request) => {
    if (uploadOf(context, request) === undefined) return errorAnswer('NoSuchUpload');
    context.state.uploads.delete(request.query.get('uploadId') ?? '');
    return { status: 204 };
  },
};

/** The error of a conditional write whose condition does not hold, or null. */
function conditionOf(
  mode: FakeBehaviour['conditionalPut'],
  { headers }: S3Request,
  current: StoredObject | undefined,
): ErrorCode | null {
  const absent = headers['if-none-match'];
  const match = headers['if-match'];
  if (mode === 'ignored' || (absent === undefined && match === undefined)) return null;
  if (mode === 'refused') return 'NotImplemented';
  if (absent !== undefined && current !== undefined) return 'PreconditionFailed';
  if (match !== undefined && current === undefined) return 'NoSuchKey';
  return match !== undefined && match !== `"${current?.etag}"` ? 'PreconditionFailed' : null;
}

function putObject(
  { behaviour, now }: OperationContext,
  request: S3Request,
  bucket: Map<string, StoredObject>,
): S3Answer {
  const refusal = conditionOf(behaviour.conditionalPut, request, bucket.get(request.key));
  if (refusal !== null) return errorAnswer(refusal);
  const etag = md5(request.body);
  bucket.set(request.key, {
    body: request.body,
    etag,
    modifiedAt: new Date(now()),
    ...aboutContent(behaviour, request),
  });
  return { status: 200, headers: { etag: `"${etag}"` } };
}

function aboutContent({ keepsMetadata }: FakeBehaviour, { headers }: S3Request) {
  const metadata = Object.entries(headers).filter(([name]) => keepsMetadata && name.startsWith('x-amz-meta-'));
  return {
    contentType: headers['content-type'] ?? 'binary/octet-stream',
    metadata: Object.fromEntries(metadata),
  };
}

function getObject(
  _context: OperationContext,
  { key, headers }: S3Request,
  bucket: Map<string, StoredObject>,
): S3Answer {
  const object = bucket.get(key);
  if (object === undefined) return errorAnswer('NoSuchKey');
  const { body, etag, contentType, metadata, modifiedAt } = object;
  if (headers['if-match'] !== undefined && headers['if-match'] !== `"${etag}"`)
    return errorAnswer('PreconditionFailed');
  const about = {
    etag: `"${etag}"`,
    'content-type': contentType,
    'last-modified': modifiedAt.toUTCString(),
    ...metadata,
  };
  const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '');
  if (range === null) return { status: 200, headers: { ...about, 'content-length': String(body.length) }, body };
  const first = Number(range[1]);
  if (first >= body.length) return errorAnswer('InvalidRange');
  const part = body.subarray(first, range[2] ? Number(range[2]) + 1 : body.length);
  const place = `bytes ${first}-${first + part.length - 1}/${body.length}`;
  return {
    status: 206,
    headers: { ...about, 'content-range': place, 'content-length': String(part.length) },
    body: part,
  };
}

function listObjects(
  context: OperationContext,
  { bucket: name, query }: S3Request,
  bucket: Map<string, StoredObject>,
): S3Answer {
  const shown = context.behaviour.listsAtOnce ? bucket : (context.lateListings.get(name) ?? new Map());
  context.lateListings.set(name, new Map(bucket));
  const prefix = query.get('prefix') ?? '';
  const token = query.get('continuation-token');
  const after = token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString();
  const keys = [...shown.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  const most = Math.min(context.behaviour.pageSize, Number(query.get('max-keys') ?? 1000));
  const page = keys.slice(0, most);
  const more = keys.length > page.length;
  const contents = page.map((key) => {
    const { etag, body, modifiedAt } = shown.get(key) as StoredObject;
    return element(
      'Contents',
      element('Key', escapeXml(key)) +
        element('LastModified', modifiedAt.toISOString()) +
        element('ETag', `&quot;${etag}&quot;`) +
        element('Size', String(body.length)),
    );
  });
  const next = Buffer.from(page.at(-1) ?? '').toString('base64url');
  return xmlAnswer(
    'ListBucketResult',
    element('Name', name) +
      element('KeyCount', String(page.length)) +
      element('IsTruncated', String(more)) +
      (more ? element('NextContinuationToken', next) : '') +
      contents.join(''),
  );
}

function createUpload({ state, behaviour }: OperationContext, request: S3Request): S3Answer {
  const id = `fake.${randomUUID()}`;
  const { bucket, key, headers } = request;
  state.uploads.set(id, {
    ...{ bucket, key, ...aboutContent(behaviour, request) },
    wantsSha256: headers['x-amz-checksum-algorithm'] === 'SHA256',
    parts: new Map(),
  });
  return xmlAnswer('InitiateMultipartUploadResult', element('Key', escapeXml(key)) + element('UploadId', id));
}

function uploadOf({ state, behaviour }: OperationContext, { bucket, key, query }: S3Request): StoredUpload | undefined {
  const upload = state.uploads.get(query.get('uploadId') ?? '');
  if (upload?.bucket !== bucket) return undefined;
  return upload.key === key || !behaviour.checksUploadKey ? upload : undefined;
}

function putPart(context: OperationContext, request: S3Request): S3Answer {
  const upload = uploadOf(context, request);
  if (upload === undefined) return errorAnswer('NoSuchUpload');
  const sha256 = request.headers['x-amz-checksum-sha256'];
  if (upload.wantsSha256 && sha256 === undefined) return errorAnswer('InvalidRequest');
  const etag = md5(request.body);
  upload.parts.set(Number(request.query.get('partNumber')), { body: request.body, etag, sha256 });
  return { status: 200, headers: { etag: `"${etag}"` } };
}

function listParts(context: OperationContext, request: S3Request): S3Answer {
  const { behaviour } = context;
  if (!behaviour.listsParts) return errorAnswer('NotImplemented');
  const upload = uploadOf(context, request);
  if (upload === undefined) return errorAnswer('NoSuchUpload');
  const after = Number(request.query.get('part-number-marker') ?? 0);
  const most = Math.min(behaviour.partsPageSize, Number(request.query.get('max-parts') ?? 1000));
  const left = [...upload.parts].filter(([number]) => number > after).sort(([a], [b]) => a - b);
  const page = left.slice(0, most);
  const parts = page.map(([number, { etag, body, sha256 }]) =>
    element(
      'Part',
      element('PartNumber', String(number)) +
        element('ETag', `&quot;${etag}&quot;`) +
        element('Size', String(body.length)) +
        (sha256 === undefined ? '' : element('ChecksumSHA256', sha256)),
    ),
  );
  return xmlAnswer(
    'ListPartsResult',
    element('IsTruncated', String(left.length > page.length)) +
      element('NextPartNumberMarker', String(page.at(-1)?.[0] ?? 0)) +
      parts.join(''),
  );
}

function completeUpload(context: OperationContext, request: S3Request, bucket: Map<string, StoredObject>): S3Answer {
  const { state, behaviour } = context;
  const upload = uploadOf(context, request);
  if (upload === undefined) return errorAnswer('NoSuchUpload');
  const parts: StoredPart[] = [];
  for (const [text] of request.body.toString().matchAll(/<Part>.*?<\/Part>/gs)) {
    const part = upload.parts.get(Number(/<PartNumber>(\d+)/.exec(text)?.[1]));
    const sha256 = /<ChecksumSHA256>([^<]+)/.exec(text)?.[1];
    if (part === undefined || !text.includes(part.etag)) return errorAnswer('InvalidPart');
    if (upload.wantsSha256 && sha256 !== part.sha256) return errorAnswer('InvalidPart');
    parts.push(part);
  }
  const small = parts.slice(0, -1).some(({ body }) => body.length < behaviour.leastPartBytes);
  if (small) return errorAnswer('EntityTooSmall');
  const refusal = conditionOf(behaviour.conditionalComplete, request, bucket.get(request.key));
  if (refusal !== null) return errorAnswer(refusal);
  const object = joinParts(upload, parts, new Date(context.now()));
  bucket.set(request.key, object);
  state.uploads.delete(request.query.get('uploadId') ?? '');
  return xmlAnswer('CompleteMultipartUploadResult', element('ETag', `&quot;${object.etag}&quot;`));
}
