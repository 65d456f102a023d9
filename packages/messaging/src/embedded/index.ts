export { acquireDirectoryLock, type DirectoryLock, type Owner, readOwner } from './directory-lock.js';
export { type EmbeddedMessaging, type EmbeddedOptions, openEmbedded } from './open.js';
