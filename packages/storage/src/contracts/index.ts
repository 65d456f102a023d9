export { breakingOff } from './breaking-off.js';
export { describeObjectStore, type ObjectStoreHarness } from './object-store.js';
