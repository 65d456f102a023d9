export { deriveSeed } from './derive-seed.js';
export { createGenerator, type GeneratorState, type RandomGenerator } from './generator.js';
