import { describeLearning } from './contracts/index.js';
import { METHODS } from './registry.js';
import { useNativeEngine } from './testing/engine.fixtures.js';

describeLearning(METHODS, { useEngine: useNativeEngine });
