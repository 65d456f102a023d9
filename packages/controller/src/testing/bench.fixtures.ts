import type { SweepId, SweepSummary, TrialSummary } from '@adctl/protocol';
import { afterEach, beforeEach } from 'vitest';
import {
  type Script,
  type ScriptedWorker,
  type ScriptedWorkerOptions,
  startScriptedWorker,
} from './scripted-worker.fixtures.js';
import {
  type DeploymentOptions,
  startDeployment,
  sweepFile,
  type TestDeployment,
  temporaryDirectory,
} from './test-deployment.fixtures.js';

/** Two configurations of one class: 2 search and 2 report trials. */
export const SMALL = sweepFile({
  learningRates: [0.001, 0.002],
  normal: [8],
  seeds: { search: 1, report: 2, finalists: 1 },
});

export const completes = (): Script => ({ does: 'complete' });

/** A deployment for each test of the file that asks for it, in a folder of its own. */
export interface Bench {
  readonly deployment: TestDeployment;
  /** Starts it anew over the same folder. */
  restart(options: Partial<DeploymentOptions>): Promise<void>;
  /** A worker whose script may be changed while it runs. */
  startWorker(
    script: () => (index: number, attempt: number) => Script,
    options?: Pick<ScriptedWorkerOptions, 'codeVersion'>,
  ): Promise<ScriptedWorker>;
  list(sweep: SweepId): Promise<TrialSummary[]>;
  show(sweep: SweepId): Promise<SweepSummary>;
}

/** @param options.ackWaitMs default 1 s */
export function useBench({ ackWaitMs = 1_000 }: { readonly ackWaitMs?: number } = {}): Bench {
  let folder: ReturnType<typeof temporaryDirectory>;
  let deployment: TestDeployment;
  let stop: AbortController;

  beforeEach(async () => {
    folder = temporaryDirectory();
    stop = new AbortController();
    deployment = await startDeployment({ directory: folder.directory, ackWaitMs });
  });
  afterEach(async () => {
    stop.abort();
    await deployment.close();
    folder.remove();
  });

  return {
    get deployment() {
      return deployment;
    },
    async restart(options) {
      await deployment.close();
      deployment = await startDeployment({ directory: folder.directory, ackWaitMs, ...options });
    },
    startWorker: (script, options = {}) =>
      startScriptedWorker({
        ...deployment,
        ...options,
        ackWaitMs,
        signal: stop.signal,
        script: ({ index }, attempt) => script()(index, attempt),
      }),
    list: (sweep) => deployment.request('trials.list', { sweep }),
    show: (sweep) => deployment.request('sweeps.show', { sweep }),
  };
}
