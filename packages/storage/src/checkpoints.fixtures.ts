import { SweepId, TrialId } from '@adctl/protocol';
import type { NewCheckpoint } from './checkpoints.js';
import type { ObjectStore } from './object-store.js';

export const sweep = SweepId.parse('ocgan-mnist-00000000');
export const trial = TrialId.parse('t000001-00000000');

/** A checkpoint of two files whose content follows from attempt and step. */
export function aCheckpoint(attempt: number, step: number, more: Partial<NewCheckpoint> = {}): NewCheckpoint {
  return {
    sweep,
    trial,
    attempt,
    epoch: Math.floor(step / 10),
    step,
    threads: 2,
    files: [
      { name: 'model.safetensors', content: Buffer.from(`weights ${attempt} ${step}`) },
      { name: 'state.json', content: Buffer.from(`{"step":${step}}`), contentType: 'application/json' },
    ],
    ...more,
  };
}

/** When the fault strikes: instead of the write, or after it, so that only its answer is lost. */
export type FaultMoment = 'before' | 'after';

/** A store whose n-th call (from 1) fails with the error, before or after it took effect. */
export function createFaultyStore(inner: ObjectStore, failAt: number, moment: FaultMoment, error: Error) {
  let calls = 0;
  const attempt = async <T>(action: () => Promise<T>): Promise<T> => {
    calls += 1;
    if (calls !== failAt) return action();
    if (moment === 'after') await action();
    throw error;
  };
  const store: ObjectStore = {
    put: (...args) => attempt(() => inner.put(...args)),
    get: (...args) => attempt(() => inner.get(...args)),
    head: (...args) => attempt(() => inner.head(...args)),
    delete: (...args) => attempt(() => inner.delete(...args)),
    read: (key) => inner.read(key),
    list: (...args) => inner.list(...args),
    createMultipart: (...args) => attempt(() => inner.createMultipart(...args)),
    resumeMultipart: (...args) => attempt(() => inner.resumeMultipart(...args)),
  };
  return { store, calls: () => calls };
}
