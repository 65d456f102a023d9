import type { Messaging } from '@adctl/messaging';
import { adminVerb, OWNED_VERBS, type SweepId, type SweepSummary } from '@adctl/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SMALL } from '../testing/bench.fixtures.js';
import {
  ended,
  startDeployment,
  sweepFile,
  type TestDeployment,
  temporaryDirectory,
} from '../testing/test-deployment.fixtures.js';

/** What each verb is asked with, beside the sweep. */
const PAYLOADS: Readonly<Record<(typeof OWNED_VERBS)[number], object>> = {
  'sweeps.pause': {},
  'sweeps.resume': {},
  'sweeps.set': { parallel: 3 },
  'sweeps.cancel': { now: true },
  'sweeps.retry': {},
};

/** Who asks, as the server would vouch for. */
let caller = 'alice';
let folder: ReturnType<typeof temporaryDirectory>;
let deployment: TestDeployment;
let sweep: SweepId;

const start = async (sharedControl: boolean) => {
  folder = temporaryDirectory();
  deployment = await startDeployment({
    ...{ directory: folder.directory, ackWaitMs: 1_000, sharedControl },
    wrap: ({ messaging, objects }) => ({ messaging: { ...messaging, control: asCaller(messaging.control) }, objects }),
  });
  sweep = (await deployment.submit(SMALL)).sweep;
};
beforeEach(() => {
  caller = 'alice';
});
afterEach(async () => {
  await deployment.close();
  folder.remove();
});

const ask = (who: string, verb: string, payload: object) => {
  caller = who;
  return deployment.request<SweepSummary>(verb, { sweep, ...payload });
};
const refusal = expect.objectContaining({
  code: 'sweep_of_other_owner',
  kind: 'user',
  message: expect.stringMatching(/ belongs to alice$/),
  hint: expect.stringContaining('--as-admin'),
});

describe('a sweep', () => {
  beforeEach(() => start(false));

  test.each(OWNED_VERBS)('is not to be changed by others than its owner: %s', async (verb) => {
    const before = await ask('bob', 'sweeps.show', {});

    await expect(ask('bob', verb, PAYLOADS[verb])).rejects.toEqual(refusal);

    expect(await ask('bob', 'sweeps.show', {})).toEqual(before);
  });

  test('is changed by its owner, and by an admin who says so', async () => {
    expect(await ask('alice', 'sweeps.pause', {})).toMatchObject({ state: 'paused' });
    expect(await ask('carol', adminVerb('sweeps.resume'), {})).toMatchObject({ state: 'search' });
    expect(await ask('carol', adminVerb('sweeps.set'), { parallel: 3 })).toMatchObject({ parallel: 3 });
    await ask('carol', adminVerb('sweeps.cancel'), { now: true });
    expect(await deployment.until(sweep, ended)).toMatchObject({ state: 'cancelled', cancelRequest: { by: 'carol' } });
    expect(await ask('carol', adminVerb('sweeps.retry'), {})).toMatchObject({ retried: expect.any(Number) });
    await expect(ask('carol', 'sweeps.pause', {})).rejects.toEqual(refusal);
  });

  test('that was cancelled is not taken up again by another one who submits the same file', async () => {
    await ask('alice', 'sweeps.cancel', { now: true });
    await deployment.until(sweep, ended);

    caller = 'bob';
    await expect(deployment.submit(SMALL)).rejects.toMatchObject({
      code: 'sweep_of_other_owner',
      hint: expect.stringContaining('--fresh'),
    });
    expect(await ask('bob', 'sweeps.show', {})).toMatchObject({ state: 'cancelled' });
    caller = 'alice';
    await deployment.submit(SMALL);
    expect(await ask('alice', 'sweeps.show', {})).toMatchObject({ state: 'search' });
  });

  test('that runs is joined by whoever submits the same file', async () => {
    caller = 'bob';

    expect(await deployment.submit(SMALL)).toMatchObject({ sweep, created: false });
  });
});

test('where control is shared, everybody changes every sweep and replaces it', async () => {
  await start(true);

  for (const verb of OWNED_VERBS.filter((one) => one !== 'sweeps.retry')) await ask('bob', verb, PAYLOADS[verb]);
  expect(await ask('bob', 'sweeps.retry', {})).toMatchObject({ retried: expect.any(Number) });
  await deployment.submit(sweepFile({ learningRates: [0.5] }), { ifActive: 'replace' });
  expect(await ask('bob', 'sweeps.show', {})).toMatchObject({ cancelRequest: { by: 'bob' } });
});

function asCaller(control: Messaging['control']): Messaging['control'] {
  return new Proxy(control, {
    get: (target, key) => {
      if (key === 'serve') {
        return ((verb, handler) => target.serve(verb, (payload) => handler(payload, caller))) as typeof target.serve;
      }
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
