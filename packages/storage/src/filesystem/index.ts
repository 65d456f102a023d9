export type { FileSystem } from './file-system.js';
export { createFilesystemStore } from './filesystem-store.js';
