export {
  type ApiServer,
  type ApiServerOptions,
  type SeenRequest,
  startApiServer,
  type TokenRight,
} from './api-server.js';
export { type ClusterOptions, type FakeCluster, type ProcessCluster, startFakeCluster } from './cluster.js';
export { kubeconfigFor } from './control-plane.js';
export type { Fault, FaultRule } from './faults.js';
export { type KubernetesKind, kubernetesKinds, SINCE_MINOR } from './kinds.js';
export { asJob, asPod, type Job, type KubeObject, type Pod } from './objects.js';
export { type FieldProblem, strictProblems } from './strict-fields.js';
export { createWorkload, type Workload } from './workload.js';
