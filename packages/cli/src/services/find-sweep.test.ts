import { expect, it } from 'vitest';
import { buildSweep } from '../testing/builders.fixtures.js';
import { createFakeClient } from '../testing/fake-client.fixtures.js';
import { findSweep } from './find-sweep.js';

const ids = ['ocgan-mnist-1a2b3c4d', 'ocgan-mnist-ffffffff', 'dae-mnist-00000000'];
const client = createFakeClient({ 'sweeps.list': () => ids.map((sweep) => buildSweep({ sweep })) });

it.each([
  ['ocgan-mnist-1a2b3c4d', 'ocgan-mnist-1a2b3c4d'],
  ['ocgan-mnist-f', 'ocgan-mnist-ffffffff'],
  ['dae-mnist', 'dae-mnist-00000000'],
])('takes %s for %s', async (text, id) => {
  expect((await findSweep(client, text)).sweep).toBe(id);
});

it('names the sweeps that are meant by too short a beginning', async () => {
  await expect(findSweep(client, 'ocgan')).rejects.toMatchObject({
    code: 'ambiguous_sweep',
    kind: 'user',
    hint: expect.stringContaining('ocgan-mnist-ffffffff'),
  });
});

it('suggests the nearest id for an unknown one', async () => {
  await expect(findSweep(client, 'dae-mnist-00000001')).rejects.toMatchObject({
    code: 'unknown_sweep',
    hint: expect.stringContaining('Did you mean dae-mnist-00000000?'),
  });
});
