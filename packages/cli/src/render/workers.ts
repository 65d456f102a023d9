import type { WorkersAnswer } from '../answers/workers.js';
import type { Style } from './style.js';
import { renderTable } from './table.js';
import { bytes } from './values.js';

export function renderWorkers({ controllerRunning, workers }: WorkersAnswer, style: Style): string {
  if (!controllerRunning) return 'No controller runs in this folder, so no workers do. Start both with: adctl dev';
  if (workers.length === 0) return 'The controller has no workers yet.';
  return renderTable(
    workers,
    [
      { head: 'WORKER', value: (worker) => worker.worker },
      { head: 'CLASS', value: (worker) => worker.class },
      { head: 'STATE', value: (worker) => worker.state },
      { head: 'BUSY', align: 'right', value: (worker) => `${worker.busy.length}/${worker.slots}` },
      { head: 'TRIALS', value: (worker) => worker.busy.map((trial) => trial.trial).join(', ') || '-' },
      { head: 'ENGINE', value: (worker) => engineWords(worker.engine) },
      {
        head: 'MEMORY',
        align: 'right',
        value: (worker) => (worker.rssBytes === undefined ? '-' : bytes(worker.rssBytes)),
      },
      { head: 'SEEN', align: 'right', value: (worker) => `${worker.secondsSinceHeartbeat.toFixed(0)} s ago` },
    ],
    style,
  );
}

function engineWords(engine: WorkersAnswer['workers'][number]['engine']): string {
  if (engine === undefined) return '-';
  return `TensorFlow ${engine.tensorflow} ${engine.gpu ? 'GPU' : 'CPU'}, threads ${engine.threads}`;
}
