/** The embedded deployment, for the CLI: `@adctl/controller/embedded`. */
export { createDatasetCatalog, type DatasetCatalog } from './datasets.js';
export { findController } from './embedded/find-controller.js';
export {
  type EmbeddedClass,
  type EmbeddedDeployment,
  type EmbeddedDeploymentOptions,
  startEmbedded,
} from './embedded/start.js';
export {
  CONTROLLER_FLAGS,
  findControllerEntry,
  findWorkerEntry,
  type Supervisor,
  superviseWorkers,
} from './embedded/supervise-workers.js';
export { readSweepFile, type SweepReading } from './intake.js';
export { type CheckAgainst, checkSweep } from './plan/check-sweep.js';
export type { DatasetFacts } from './plan/freeze-sweep.js';
export type { FrozenSweep } from './plan/frozen-sweep.js';
