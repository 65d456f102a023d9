import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Messaging } from '@adctl/messaging';
import { type EmbeddedMessaging, openEmbedded } from '@adctl/messaging/embedded';
import { METHODS } from '@adctl/methods';
import { type Leaderboard, type Sha256, type SweepAccepted, SweepId, type SweepSummary, sha256 } from '@adctl/protocol';
import type { ObjectStore } from '@adctl/storage';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import { pino } from 'pino';
import { serveApi } from '../api/serve.js';
import { type Controller, type ControllerOptions, startController } from '../controller.js';
import type { DatasetCatalog } from '../datasets.js';
import type { SweepReading } from '../intake.js';

/** Ten classes of 28x28 grey images that need no files. */
export const fakeDatasets: DatasetCatalog = {
  names: ['mnist'],
  protocols: ['one-class'],
  known: () => FACTS,
  look: async () => ({ ...FACTS, digest: sha256('toy') }),
  shared: async () => [],
};
const FACTS = {
  classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  shape: { height: 28, width: 28, channels: 1 },
  protocols: ['one-class'],
};

export const testReading: SweepReading = {
  cards: METHODS,
  datasets: fakeDatasets,
  codeVersionOf: () => sha256('code') as Sha256,
  classOf: () => 'cpu',
};

/** A sweep file over made-up grids. */
export function sweepFile(
  options: {
    readonly name?: string;
    readonly learningRates?: readonly number[];
    readonly normal?: readonly number[];
    readonly seeds?: { readonly search: number; readonly report: number; readonly finalists: number };
    readonly limits?: string;
  } = {},
): string {
  const { name = 'toy', learningRates = [0.001, 0.002, 0.003], normal = [1, 8] } = options;
  const seeds = options.seeds ?? { search: 1, report: 3, finalists: 1 };
  return `apiVersion: adctl/v1
kind: Sweep
name: ${name}
method: dae
dataset: { name: mnist, protocol: one-class, normal: [${normal.join(', ')}] }
search:
  algorithm: grid
  space:
    learningRate: { values: [${learningRates.join(', ')}] }
train: { preset: quick }
seeds: { search: ${seeds.search}, report: ${seeds.report}, finalists: ${seeds.finalists} }
limits: { maxTrials: 1000000, ${options.limits ?? 'parallel: 8'} }
`;
}

export interface TestDeployment {
  readonly directory: string;
  readonly messaging: EmbeddedMessaging;
  readonly objects: ObjectStore;
  readonly controller: Controller;
  request<T>(verb: string, payload: unknown): Promise<T>;
  submit(source: string, options?: { readonly fresh?: boolean; readonly ifActive?: string }): Promise<SweepAccepted>;
  /** Resolves once the sweep's record satisfies the condition. */
  until(sweep: SweepId, condition: (summary: SweepSummary) => boolean): Promise<SweepSummary>;
  leaderboard(sweep?: SweepId): Promise<Leaderboard>;
  close(): Promise<void>;
}

export interface DeploymentOptions
  extends Partial<
    Pick<
      ControllerOptions,
      'clock' | 'ackWaitMs' | 'windowPerSlot' | 'takeOver' | 'orderedWrites' | 'measures' | 'owners' | 'sharedControl'
    >
  > {
  readonly directory: string;
  readonly slots?: number;
  readonly wrap?: (parts: { messaging: Messaging; objects: ObjectStore }) => {
    messaging: Messaging;
    objects: ObjectStore;
  };
  readonly reading?: Partial<SweepReading>;
}

/** A fresh folder, removed by the returned function. */
export function temporaryDirectory(): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'adctl-controller-'));
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Real embedded messaging and a real object store in a folder, with a controller and its API. */
export async function startDeployment(options: DeploymentOptions): Promise<TestDeployment> {
  const { directory, slots = 2, ackWaitMs = 60_000, wrap = (parts) => parts } = options;
  const messaging = openEmbedded({ directory, ackWaitMs, caller: 'tester' });
  const objects = createFilesystemStore(join(directory, 'objects'));
  const wrapped = wrap({ messaging, objects });
  const reading = { ...testReading, ...options.reading };
  let controller: Controller;
  try {
    await messaging.releaseInFlight();
    controller = await startController({
      ...wrapped,
      findCard: (name) => {
        const card = METHODS.find((one) => one.name === name);
        if (card === undefined) throw new Error(name);
        return card;
      },
      codeVersionOf: reading.codeVersionOf,
      logger: pino({ level: process.env.TEST_LOG_LEVEL ?? 'silent' }),
      ackWaitMs,
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      ...(options.measures === undefined ? {} : { measures: options.measures }),
      ...(options.owners === undefined ? {} : { owners: options.owners }),
      ...(options.sharedControl === undefined ? {} : { sharedControl: options.sharedControl }),
      windowPerSlot: options.windowPerSlot ?? 2,
      takeOver: options.takeOver ?? true,
      orderedWrites: options.orderedWrites ?? true,
      expectedSlots: { cpu: slots },
    });
  } catch (error) {
    await messaging.close();
    throw error;
  }
  await serveApi(controller, {
    ...reading,
    version: 'test',
    deployment: 'embedded',
    directory,
    locate: (key) => join(directory, 'objects', key),
  });
  const request = <T>(verb: string, payload: unknown) => messaging.control.request(verb, payload) as Promise<T>;
  return {
    directory,
    messaging,
    objects,
    controller,
    request,
    submit: (source, more = {}) =>
      request('sweeps.submit', {
        version: 1,
        source,
        file: 'toy.yaml',
        directory,
        fresh: more.fresh ?? false,
        ifActive: more.ifActive ?? 'join',
        priority: 'normal',
      }),
    until: (sweep, condition) => until(controller, messaging, request, sweep, condition),
    leaderboard: (sweep) => request('leaderboard', sweep === undefined ? {} : { sweep }),
    async close() {
      await controller.close();
      await messaging.close();
    },
  };
}

async function until(
  controller: Controller,
  messaging: Messaging,
  request: <T>(verb: string, payload: unknown) => Promise<T>,
  sweep: SweepId,
  condition: (summary: SweepSummary) => boolean,
): Promise<SweepSummary> {
  const stop = new AbortController();
  controller.stopped.addEventListener('abort', () => stop.abort(controller.stopped.reason), { once: true });
  const follow = async (bucket: 'trial' | 'sweep') => {
    for await (const change of messaging.state.bucket(bucket).watch(sweep, stop.signal)) {
      if (change === 'ready' || bucket === 'sweep' || change.value !== null) {
        const summary = await request<SweepSummary>('sweeps.show', { sweep });
        if (condition(summary)) return summary;
      }
    }
    return null;
  };
  try {
    const found = await Promise.race([follow('trial'), follow('sweep')]);
    if (found === null) throw controller.stopped.reason;
    return found;
  } finally {
    stop.abort();
  }
}

/** A leaderboard without what time decides. */
export function timeless(leaderboard: Leaderboard): unknown {
  return JSON.parse(
    JSON.stringify(leaderboard, (key, value: unknown) =>
      key === 'searchSeconds' || key === 'reportSeconds' ? 0 : value,
    ),
  );
}

export const ended = ({ state }: SweepSummary) => state === 'completed' || state === 'failed' || state === 'cancelled';
export const asSweepId = (text: string) => SweepId.parse(text);
