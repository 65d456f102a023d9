export { type ClassifiedFailure, classifyFailure, type FailureEvidence } from './classify-failure.js';
export { parseWorkerConfig, type TrainerConfig, type WorkerConfig } from './config.js';
export { createTrainer, type Trainer, type TrainerEvent, type TrainerRunEnd } from './trainer.js';
export type { StartTrial, TrainerHealth, TrialOutcome } from './trainer-messages.js';
export { createWorker, type Worker, type WorkerParts } from './worker.js';
