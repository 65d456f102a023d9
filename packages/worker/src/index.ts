export { type ClassifiedFailure, classifyFailure, type FailureEvidence } from './classify-failure.js';
export { parseWorkerConfig, type TrainerConfig, type WorkerConfig } from './config.js';
export { createWorker, type Worker, type WorkerParts } from './worker.js';
