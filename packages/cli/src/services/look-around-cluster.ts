import { stat } from 'node:fs/promises';
import { inspectNats, isAtLeast, SERVER_RECOMMENDED } from '@adctl/messaging/nats';
import { type ClusterConnection, connectToCluster, toNatsOptions } from './connect-cluster.js';
import type { NamedContext } from './contexts/manage-contexts.js';
import type { ClusterSurroundings } from './doctor-cluster.js';

/** A cluster as it is, for `diagnoseCluster`. */
export function lookAroundCluster(adctl: string, named: NamedContext): ClusterSurroundings {
  const { context } = named;
  return {
    adctl,
    context,
    inspect(as) {
      const { credentials, ...nobody } = toNatsOptions(context);
      return inspectNats(as === 'nobody' || credentials === undefined ? nobody : { ...nobody, credentials });
    },
    isRecommended: (version) => isAtLeast(version, SERVER_RECOMMENDED),
    status: () => ask(named, async ({ status }) => status),
    shared: () => ask(named, ({ client }) => client.request('datasets.list', {})),
    isExposed: (file) =>
      stat(file).then(
        ({ mode }) => (mode & 0o077) !== 0,
        () => undefined,
      ),
    now: () => Date.now(),
  };
}

async function ask<T>(named: NamedContext, question: (connection: ClusterConnection) => Promise<T>): Promise<T> {
  const connection = await connectToCluster(named);
  try {
    return await question(connection);
  } finally {
    await connection.close();
  }
}
