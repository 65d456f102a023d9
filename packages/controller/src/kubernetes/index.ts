export { VOLUME_SOURCES } from './check-pools.js';
export { parsePools } from './parse-pools.js';
export { buildWorkerJob, HEALTH_PORT, type JobSurroundings } from './pod-spec.js';
export { Pool, type PoolInput, PoolsFile, PoolVolume } from './pool.js';
export { CONTROLLER_RIGHTS } from './rights.js';
