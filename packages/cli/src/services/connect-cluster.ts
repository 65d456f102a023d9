import type { NatsOptions } from '@adctl/messaging/nats';
import type { ControllerStatus } from '@adctl/protocol';
import type { Connection } from './connect.js';
import type { Context } from './contexts/context-file.js';
import type { NamedContext } from './contexts/manage-contexts.js';
import { createControllerClient } from './controller-client.js';
import { REAL_PACE } from './pace.js';
import { createPatientClient } from './patient-client.js';

/** A way to a cluster's controller. */
export interface ClusterConnection extends Connection {
  /** Aborted when the server will not have us any more. */
  readonly closed: AbortSignal;
  /** What its controller said of itself when it was asked first. */
  readonly status: ControllerStatus;
}

/**
 * Connects to the cluster of a context. The client library is loaded only here.
 * @throws AdctlError transient `controller_unreachable`; user `nats_auth_refused`, `nats_tls_refused`, `nats_bad_options`
 */
export async function connectToCluster({ context }: NamedContext): Promise<ClusterConnection> {
  const { connectNats } = await import('@adctl/messaging/nats');
  const messaging = await connectNats(toNatsOptions(context));
  const controller = createControllerClient(messaging.control);
  const client = createPatientClient({ client: controller, pace: REAL_PACE, closed: messaging.closed });
  const close = () => messaging.close();
  try {
    const status = await client.request('status', {});
    return { client, place: status.objects?.place ?? 'in the cluster', closed: messaging.closed, status, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The connection that a context describes. */
export function toNatsOptions(context: Context): NatsOptions {
  const { servers, identity, namespace, caFile, certFile, keyFile } = context;
  const credentials = toCredentials(context);
  const tls = {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
  };
  const wantsTls = Object.keys(tls).length > 0 || servers.some((server) => server.startsWith('tls://'));
  return {
    servers,
    role: 'cli',
    identity,
    ...(namespace === undefined ? {} : { namespace }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(wantsTls ? { tls } : {}),
  };
}

function toCredentials({ nkeySeedFile, credsFile, user, passwordFile }: Context): NatsOptions['credentials'] {
  if (nkeySeedFile !== undefined) return { nkeySeedFile };
  if (credsFile !== undefined) return { credsFile };
  return user === undefined || passwordFile === undefined ? undefined : { user, passwordFile };
}
