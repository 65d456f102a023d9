import { AdctlError, type ControlVerb } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import type { ControllerClient } from './controller-client.js';
import { createPatientClient } from './patient-client.js';

const away = () => new AdctlError('away', { code: 'controller_unreachable', kind: 'transient' });

/** A controller that is away for some requests, and a pace on which every wait is over at once. */
function createSetting() {
  const asked: ControlVerb[] = [];
  let seconds = 0;
  let failures = 0;
  const client: ControllerClient = {
    async request(verb) {
      asked.push(verb);
      if (failures-- > 0) throw away();
      return [] as never;
    },
    change: async () => {
      throw new Error('watching changes nothing');
    },
    subscribe: async () => async () => undefined,
  };
  const pace = {
    now: () => seconds,
    wait: async (milliseconds: number) => {
      seconds += milliseconds / 1_000;
    },
  };
  return {
    asked,
    patient: createPatientClient(client, pace),
    fail(times: number) {
      failures = times;
    },
  };
}

describe('a patient client', () => {
  test('asks again when the cluster is away for a moment', async () => {
    const { asked, patient, fail } = createSetting();
    await patient.request('sweeps.list', {});
    fail(5);

    expect(await patient.request('sweeps.list', {})).toEqual([]);
    expect(asked).toHaveLength(7);
  });

  test('outlasts a minute without a broker', async () => {
    const { patient, fail } = createSetting();
    await patient.request('status', {});
    fail(70);

    expect(await patient.request('status', {})).toEqual([]);
  });

  test('gives up after five minutes', async () => {
    const { asked, patient, fail } = createSetting();
    await patient.request('sweeps.list', {});
    fail(1_000);

    await expect(patient.request('sweeps.list', {})).rejects.toMatchObject({ code: 'controller_unreachable' });
    expect(asked).toHaveLength(302);
  });

  test('says at once that nobody answered the first request', async () => {
    const { asked, patient, fail } = createSetting();
    fail(1);

    await expect(patient.request('sweeps.list', {})).rejects.toMatchObject({ code: 'controller_unreachable' });
    expect(asked).toHaveLength(1);
  });

  test('never repeats what changes something', async () => {
    const { asked, patient, fail } = createSetting();
    await patient.request('sweeps.list', {});
    fail(1);

    const retry = patient.request('sweeps.retry', { sweep: 'toy-00000000' as never });

    await expect(retry).rejects.toMatchObject({ code: 'controller_unreachable' });
    expect(asked).toEqual(['sweeps.list', 'sweeps.retry']);
  });
});
