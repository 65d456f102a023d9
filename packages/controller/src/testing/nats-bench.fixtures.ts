import { join } from 'node:path';
import { connectNats, prepareNats } from '@adctl/messaging/nats';
import { findMethod } from '@adctl/methods';
import { sha256 } from '@adctl/protocol';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import { startNatsServer } from '@adctl/testkit';
import { pino } from 'pino';
import { type Controller, type ControllerOptions, startController } from '../controller.js';
import { submitSweep } from '../intake.js';
import { sweepFile, temporaryDirectory, testReading } from './test-deployment.fixtures.js';

/** What a bench on NATS is made of. */
export interface NatsBenchOptions {
  /** Path of the nats-server. */
  readonly program: string;
  readonly classes: readonly string[];
  readonly ackWaitMs?: number;
}

/** Controllers of one deployment on a real nats-server, with their objects in a folder. */
export async function startNatsBench({ program, classes, ackWaitMs }: NatsBenchOptions) {
  const times = ackWaitMs === undefined ? {} : { ackWaitMs };
  const folder = temporaryDirectory();
  const server = await startNatsServer({ path: program });
  const options = { servers: [server.url], role: 'controller', identity: 'controller' } as const;
  await prepareNats({ ...options, classes: [...classes], settings: times });
  const messaging = await connectNats(options);
  const objects = createFilesystemStore(join(folder.directory, 'objects'));
  const stop = new AbortController();
  return {
    messaging,
    objects,
    /** Aborted when the bench is closed. */
    signal: stop.signal,
    start: (more: Partial<ControllerOptions> = {}): Promise<Controller> =>
      startController({
        ...{ messaging, objects, findCard: findMethod, codeVersionOf: () => sha256('code'), ...times },
        logger: pino({ level: 'silent' }),
        ...more,
      }),
    /** Submits a sweep of `sweepFile` over one digit. */
    submit: (controller: Controller, sweep: { readonly name?: string; readonly learningRates: readonly number[] }) =>
      submitSweep(
        controller,
        {
          version: 1,
          source: sweepFile({ ...sweep, normal: [8] }),
          file: 'toy.yaml',
          directory: folder.directory,
          fresh: true,
          ifActive: 'join',
          priority: 'normal',
        },
        'ann',
        testReading,
      ),
    async close() {
      stop.abort();
      await messaging.close();
      await server.remove();
      folder.remove();
    },
  };
}
