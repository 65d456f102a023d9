export { type ApiOptions, serveApi } from './api/serve.js';
export { type Controller, type ControllerOptions, startController } from './controller.js';
export { createDatasetCatalog, type DatasetCatalog } from './datasets.js';
export { readSweepFile, type SweepReading } from './intake.js';
export { FAILURE_POLICY, type FailureRule } from './plan/failure-policy.js';
export { FrozenSweep } from './plan/frozen-sweep.js';
export { createTrialPlan, type TrialPlan } from './plan/trial-plan.js';
