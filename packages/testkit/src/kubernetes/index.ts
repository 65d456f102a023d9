export {
  type ApiServer,
  type ApiServerOptions,
  type SeenRequest,
  startApiServer,
  type TokenRight,
} from './api-server.js';
export { type ClusterOptions, type FakeCluster, startFakeCluster } from './cluster.js';
export type { Fault, FaultRule } from './faults.js';
export { asJob, asPod, type Job, type KubeObject, type Pod } from './objects.js';
export { type FieldProblem, strictProblems } from './strict-fields.js';
