export type { MultipartUpload, ObjectInfo, ObjectStore, PutOptions, PutOutcome } from './object-store.js';
