export type { Clock } from './clock.js';
export { type OpenedS3Store, openS3Store } from './open-store.js';
export { probeS3, type S3Capabilities } from './probe.js';
export type { RetryNote, RetryPolicy } from './retry.js';
export { createS3Store, type S3Runtime, type S3Store } from './s3-store.js';
export type { S3Settings } from './settings.js';
