import { setImmediate } from 'node:timers/promises';
import { AdctlError, type ControlVerb } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import type { ControllerClient } from './controller-client.js';
import { createPatientClient } from './patient-client.js';

const away = () => new AdctlError('away', { code: 'controller_unreachable', kind: 'transient' });

/** A controller that is away for some requests, and a pace on which every wait is over as soon as nothing else happens. */
function createSetting() {
  const asked: ControlVerb[] = [];
  const said: string[] = [];
  const closed = new AbortController();
  const left = new AbortController();
  let seconds = 0;
  let failures = 0;
  let failure = away();
  let isHanging = false;
  const client: ControllerClient = {
    async request(verb) {
      asked.push(verb);
      if (isHanging) return new Promise<never>(() => undefined);
      if (failures-- > 0) throw failure;
      return [] as never;
    },
    change: async () => {
      throw new Error('watching changes nothing');
    },
    subscribe: async () => async () => undefined,
    watching: () => client,
  };
  const pace = {
    now: () => seconds,
    async wait(milliseconds: number, signal: AbortSignal) {
      await setImmediate();
      if (!signal.aborted) seconds += milliseconds / 1_000;
    },
  };
  const patient = createPatientClient({ client, pace, closed: closed.signal });
  return {
    asked,
    said,
    closed,
    left,
    patient,
    watching: patient.watching({ say: (line) => said.push(line), signal: left.signal }),
    fail(times: number, how = away()) {
      failures = times;
      failure = how;
    },
    pass(more: number) {
      seconds += more;
    },
    hang() {
      isHanging = true;
    },
  };
}

const unreachable = { code: 'controller_unreachable' };

describe('for a command that asks and ends', () => {
  test('what is away for a moment is asked again', async () => {
    const { asked, patient, fail } = createSetting();
    await patient.request('sweeps.list', {});
    fail(5);

    expect(await patient.request('sweeps.list', {})).toEqual([]);
    expect(asked).toHaveLength(7);
  });

  test('it is given up after half a minute', async () => {
    const { asked, patient, fail } = createSetting();
    await patient.request('sweeps.list', {});
    fail(1_000);

    await expect(patient.request('sweeps.list', {})).rejects.toMatchObject(unreachable);
    expect(asked).toHaveLength(32);
  });

  test('nobody who answers the first request is told at once', async () => {
    const { asked, patient, fail } = createSetting();
    fail(1);

    await expect(patient.request('sweeps.list', {})).rejects.toMatchObject(unreachable);
    expect(asked).toHaveLength(1);
  });

  test('what changes something is never repeated', async () => {
    const { asked, patient, fail } = createSetting();
    await patient.request('sweeps.list', {});
    fail(1);

    const retry = patient.request('sweeps.retry', { sweep: 'toy-00000000' as never });

    await expect(retry).rejects.toMatchObject(unreachable);
    expect(asked).toEqual(['sweeps.list', 'sweeps.retry']);
  });
});

describe('for somebody who watches', () => {
  test('minutes without a broker are told, and that they are over', async () => {
    const { watching, said, fail } = createSetting();
    fail(70);

    expect(await watching.request('status', {})).toEqual([]);
    expect(said).toEqual([
      'The cluster does not answer; waiting up to 5 minutes. Workers train on meanwhile.',
      'The cluster answers again, after 70 s.',
    ]);
  });

  test('a restart is no news', async () => {
    const { watching, said, fail } = createSetting();
    fail(2);

    expect(await watching.request('status', {})).toEqual([]);
    expect(said).toEqual([]);
  });

  test('a refusal is an answer', async () => {
    const { watching, said, fail, pass } = createSetting();
    fail(1, new AdctlError('no such sweep', { code: 'unknown_sweep', kind: 'user' }));
    await expect(watching.request('sweeps.show', {} as never)).rejects.toMatchObject({ code: 'unknown_sweep' });
    pass(100);
    fail(70);
    await watching.request('status', {});

    expect(said.at(-1)).toBe('The cluster answers again, after 70 s.');
  });

  test('it is given up after five minutes', async () => {
    const { asked, watching, fail } = createSetting();
    fail(1_000);

    await expect(watching.request('sweeps.list', {})).rejects.toMatchObject(unreachable);
    expect(asked).toHaveLength(301);
  });

  test('a connection that will not come back is not waited for', async () => {
    const { asked, watching, closed, fail } = createSetting();
    closed.abort();
    fail(1);

    await expect(watching.request('sweeps.list', {})).rejects.toMatchObject(unreachable);
    expect(asked).toHaveLength(1);
  });

  test('a request that is not answered is told too', async () => {
    const { watching, said, left, hang } = createSetting();
    hang();
    const request = watching.request('status', {});
    await expect.poll(() => said).toEqual([expect.stringContaining('does not answer')]);
    left.abort();

    await expect(request).rejects.toMatchObject({ code: 'interrupted' });
  });

  test('who leaves while nobody answers waits no longer', async () => {
    const { asked, watching, left, fail } = createSetting();
    fail(1_000);
    left.abort();

    await expect(watching.request('sweeps.list', {})).rejects.toMatchObject({ code: 'interrupted' });
    expect(asked).toHaveLength(1);
  });

  test('who leaves does not wait for a request without an answer either', async () => {
    const { watching, left, hang } = createSetting();
    hang();
    const request = watching.request('sweeps.list', {});
    left.abort();

    await expect(request).rejects.toMatchObject({ code: 'interrupted' });
  });

  test('who leaves for a reason is told the reason', async () => {
    const { watching, left, hang } = createSetting();
    hang();
    const request = watching.request('sweeps.list', {});
    left.abort(new AdctlError('refused', { code: 'nats_auth_refused', kind: 'user' }));

    await expect(request).rejects.toMatchObject({ code: 'nats_auth_refused' });
  });
});
