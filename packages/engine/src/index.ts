export { type EngineEnvironment, parseEngineEnvironment } from './environment.js';
export { type Engine, type EngineInfo, type LoadEngineOptions, loadEngine, type Tf } from './load.js';
export { runSelfTest, type SelfTestCheck } from './self-test.js';
export { Flavour, TENSORFLOW_VERSION } from './versions.js';
