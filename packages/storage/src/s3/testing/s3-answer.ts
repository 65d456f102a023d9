/** What goes back over HTTP. */
export interface S3Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export const escapeXml = (text: string) => text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character);

/** One XML element around text that is XML already. */
export const element = (name: string, content: string) => `<${name}>${content}</${name}>`;

export function xmlAnswer(root: string, content: string, status = 200): S3Answer {
  return {
    status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>${element(root, content)}`,
  };
}

const STATUS_OF = {
  PreconditionFailed: 412,
  NoSuchKey: 404,
  NoSuchBucket: 404,
  NoSuchUpload: 404,
  BadDigest: 400,
  InvalidPart: 400,
  InvalidRequest: 400,
  EntityTooSmall: 400,
  InvalidRange: 416,
  InvalidAccessKeyId: 403,
  AccessDenied: 403,
  ConditionalRequestConflict: 409,
  BucketAlreadyOwnedByYou: 409,
  NotImplemented: 501,
  InternalError: 500,
  SlowDown: 503,
} as const;

export type ErrorCode = keyof typeof STATUS_OF;

/** An error as S3 words it. `more` goes into the body as it is, as S3 puts the access key there. */
export function errorAnswer(code: ErrorCode, more = ''): S3Answer {
  const content = element('Code', code) + element('Message', `the fake says ${code}`) + more;
  return xmlAnswer('Error', content, STATUS_OF[code]);
}
