export { type FakeS3, type FakeS3Options, type Fault, type FaultPlan, startFakeS3 } from './fake-s3.js';
export { combine, slowDown, spoil } from './fault-plans.js';
export type { FakeBehaviour } from './operations.js';
export type { Operation, S3Request } from './s3-request.js';
export type { StoredObject, StoredPart, StoredState, StoredUpload } from './stored-objects.js';
