export { type EngineManifest, EngineSource, type FileProblem } from './cache.js';
export { type EngineStatus, readEngineStatus } from './engine-status.js';
export { type EngineEnvironment, parseEngineEnvironment } from './environment.js';
export { PROBE_ENTRY, ProbeReport, parseProbeOutput } from './probe.js';
export { Flavour, TENSORFLOW_VERSION } from './versions.js';
