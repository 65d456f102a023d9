export {
  connectNats,
  inspectNats,
  NATS_ROLES,
  type NatsInspection,
  type NatsOptions,
  type NatsRole,
  prepareNats,
} from './connect.js';
export type { NatsCredentials, NatsTls } from './core-nats.js';
export { DEFAULT_NAMESPACE } from './names.js';
export {
  type NatsPermissions,
  type NatsUser,
  permissionsOf,
  renderAuthorization,
} from './permissions.js';
export type { Prepared } from './prepare.js';
export { isAtLeast, SERVER_FLOOR, SERVER_RECOMMENDED } from './server-version.js';
export { DEFAULT_STREAM_SETTINGS, type StreamSettings } from './settings.js';
export { createUserKey } from './user-key.js';
