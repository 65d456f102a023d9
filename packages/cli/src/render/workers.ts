import type { WorkersAnswer } from '../answers/workers.js';
import type { Style } from './style.js';
import { renderTable } from './table.js';
import { bytes, counted } from './values.js';

type Worker = WorkersAnswer['workers'][number];
type Pod = NonNullable<WorkersAnswer['pods']>[number];
type Pool = NonNullable<WorkersAnswer['pools']>[number];

/** A worker that was heard of, a pod, or both. */
interface Row {
  readonly worker: Worker | undefined;
  readonly pod: Pod | undefined;
}

export function renderWorkers(answer: WorkersAnswer, style: Style): string {
  if (!answer.controllerRunning)
    return 'No controller runs in this folder, so no workers do. Start both with: adctl dev';
  const rows = rowsOf(answer);
  const workers = rows.length === 0 ? 'The controller has no workers yet.' : renderRows(rows, style);
  const { pools, waiting = [] } = answer;
  return [
    ...(pools === undefined ? [] : [renderPools(pools, style)]),
    workers,
    ...(waiting.length === 0 ? [] : [waiting.map(waitingLine).join('\n')]),
  ].join('\n\n');
}

/** Every pod with its worker, then workers that were started by others. */
function rowsOf({ workers, pods = [] }: WorkersAnswer): Row[] {
  const byId = new Map<string, Worker>(workers.map((worker) => [worker.worker, worker]));
  const named = new Set(pods.map(({ worker }) => worker));
  return [
    ...pods.map((pod) => ({ pod, worker: byId.get(pod.worker ?? '') })),
    ...workers.filter(({ worker }) => !named.has(worker)).map((worker) => ({ worker, pod: undefined })),
  ];
}

function renderRows(rows: readonly Row[], style: Style): string {
  const onKubernetes = rows.some(({ pod }) => pod !== undefined);
  return renderTable(
    rows,
    [
      { head: 'WORKER', value: ({ worker, pod }) => worker?.worker ?? pod?.worker ?? pod?.job ?? '-' },
      onKubernetes
        ? { head: 'POOL', value: ({ pod }) => pod?.pool ?? '-' }
        : { head: 'CLASS', value: ({ worker }) => worker?.class ?? '-' },
      { head: 'STATE', value: ({ worker, pod }) => pod?.state ?? worker?.state ?? '-' },
      {
        head: 'BUSY',
        align: 'right',
        value: ({ worker }) => (worker === undefined ? '-' : `${worker.busy.length}/${worker.slots}`),
      },
      { head: 'TRIALS', value: ({ worker }) => worker?.busy.map((trial) => trial.trial).join(', ') || '-' },
      { head: 'ENGINE', value: ({ worker }) => engineWords(worker?.engine) },
      {
        head: 'MEMORY',
        align: 'right',
        value: ({ worker }) => (worker?.rssBytes === undefined ? '-' : bytes(worker.rssBytes)),
      },
      {
        head: 'SEEN',
        align: 'right',
        value: ({ worker }) => (worker === undefined ? 'never' : `${worker.secondsSinceHeartbeat.toFixed(0)} s ago`),
      },
      ...(onKubernetes
        ? [
            { head: 'NODE', value: ({ pod }: Row) => pod?.node ?? '-' },
            { head: 'WHY', value: ({ pod }: Row) => pod?.reason ?? '-' },
          ]
        : []),
    ],
    style,
  );
}

function renderPools(pools: readonly Pool[], style: Style): string {
  return renderTable(
    pools,
    [
      { head: 'POOL', value: ({ pool }) => pool },
      { head: 'CLASS', value: (pool) => pool.class },
      { head: 'WORKERS', align: 'right', value: ({ workers, desired }) => `${workers}/${desired}` },
      { head: 'MIN', align: 'right', value: ({ min }) => String(min) },
      { head: 'MAX', align: 'right', value: ({ max }) => String(max) },
      { head: 'WHY', value: (pool) => troubleWords(pool) },
    ],
    style,
  );
}

function waitingLine({ sweeps, reasons }: NonNullable<WorkersAnswer['waiting']>[number]): string {
  const verb = sweeps === 1 ? 'waits' : 'wait';
  return `${counted(sweeps, 'sweep')} ${verb}: ${reasons.map(({ message }) => message).join('; ')}`;
}

/** Conditions that keep a pool from having the workers it should have. */
function troubleWords({ conditions }: Pool): string {
  const bad = conditions.filter(({ type, status }) =>
    type === 'CircuitOpen' || type === 'Drained' ? status === 'True' : status === 'False',
  );
  return bad.map(({ message }) => message).join('; ') || '-';
}

function engineWords(engine: Worker['engine'] | undefined): string {
  if (engine === undefined) return '-';
  return `TensorFlow ${engine.tensorflow} ${engine.gpu ? 'GPU' : 'CPU'}, threads ${engine.threads}`;
}
