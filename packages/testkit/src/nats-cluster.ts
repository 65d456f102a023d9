import { freePorts } from './free-port.js';
import { type NatsServer, type NatsServerOptions, startNatsServer } from './nats-server.js';

const NAMES: readonly string[] = ['n1', 'n2', 'n3'];

/** Three real nats-servers that keep copies of each other's streams. */
export interface NatsCluster {
  readonly servers: readonly NatsServer[];
  /** The server that others know by this name, e.g. as the leader of a stream. */
  named(name: string): NatsServer;
  /** Whether a server places streams and consumers on the others, as it last logged. */
  placesAll(server: NatsServer): boolean;
  /** Ends them and deletes their stores. */
  remove(): Promise<void>;
}

/** What each of three servers of a cluster is started with; one of them may be started later. */
export async function planNatsCluster(options: NatsServerOptions): Promise<NatsServerOptions[]> {
  // All of them different: a server that chose its own port took another one's for routes, once in forty clusters.
  const ports = await freePorts(2 * NAMES.length);
  const routePorts = ports.slice(NAMES.length);
  const routes = routePorts.map((port) => `nats://127.0.0.1:${port}`).join(', ');
  return NAMES.map((name, index) => {
    const cluster = `cluster { name: c, host: 127.0.0.1, port: ${routePorts[index]}, routes: [${routes}] }`;
    return { ...options, port: ports[index], config: `server_name: ${name}\n${cluster}\n${options.config ?? ''}` };
  });
}

/** Starts a cluster of three servers; they go on to elect their leaders when this has resolved. @throws Error as `startNatsServer` */
export async function startNatsCluster(options: NatsServerOptions): Promise<NatsCluster> {
  const servers = await Promise.all((await planNatsCluster(options)).map(startNatsServer));
  return {
    servers,
    named(name) {
      const server = servers[NAMES.indexOf(name)];
      if (server === undefined) throw new Error(`no server ${name} in the cluster`);
      return server;
    },
    placesAll(server) {
      const last = (words: string) => server.log().lastIndexOf(words);
      return last('Self is new JetStream cluster metadata leader') > last('JetStream cluster new metadata leader');
    },
    async remove() {
      await Promise.all(servers.map((server) => server.remove()));
    },
  };
}
