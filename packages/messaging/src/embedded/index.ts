export { acquireDirectoryLock, type DirectoryLock, type Owner, readOwner } from './directory-lock.js';
export { type EmbeddedMessaging, type EmbeddedOptions, openEmbedded } from './open.js';
export { connectEmbedded } from './remote/connect.js';
export { socketPathOf } from './remote/socket-path.js';
