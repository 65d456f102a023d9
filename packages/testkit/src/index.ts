export { freePort, freePorts } from './free-port.js';
export { findHadolint, type Hadolint } from './hadolint.js';
export { findKubernetesTools, type KubernetesTools } from './kubernetes-tools.js';
export { findNatsBinaries, type NatsBinary, NEWEST_NATS_SERVER } from './nats-binaries.js';
export { type NatsCluster, planNatsCluster, startNatsCluster } from './nats-cluster.js';
export { type NatsServer, type NatsServerOptions, startNatsServer } from './nats-server.js';
export { createToyImages, type ToyImages, type ToyOptions, type ToyShape } from './toy-images.js';
export {
  createToyTextures,
  TOY_DEFECTS,
  type ToyDefect,
  type ToyTexture,
  type ToyTextureOptions,
  type ToyTextures,
} from './toy-textures.js';
