import { expect, test } from 'vitest';
import { planImages } from '../../scripts/lib/images-step.mjs';
import { whyNotRun } from '../../scripts/lib/test-steps.mjs';

const MACHINE = { buildah: true, root: true, registry: true, debootstrap: true, certificates: '/etc/ca.pem' };

test.each([
  [{}, { args: [] }],
  [{ registry: false }, { args: ['--base', 'debian', '--certificates', '/etc/ca.pem'] }],
  [{ registry: false, certificates: undefined }, { args: ['--base', 'debian'] }],
  [{ registry: false, debootstrap: false }, { missing: expect.stringContaining('no registry') }],
  [{ root: false }, { missing: expect.stringContaining('root') }],
  [{ buildah: false, registry: false }, { missing: expect.stringContaining('buildah') }],
] as const)('on a machine with %j images are planned as %j', (machine, plan) => {
  expect(planImages({ ...MACHINE, ...machine })).toEqual(plan);
});

test('images are built when they are asked for; otherwise the reason is told, with the command that builds them', () => {
  const step = { name: 'images', onDemand: 'they take minutes' };

  expect(whyNotRun(step, { args: [] }, true)).toBeUndefined();
  expect(whyNotRun(step, { args: [] }, false)).toContain(
    'they take minutes. Build and check them with: npm test -- images',
  );
  expect(whyNotRun(step, { missing: 'buildah is not installed' }, true)).toBe('not built: buildah is not installed');
  expect(whyNotRun({ name: 'unit' }, { args: [] }, false)).toBeUndefined();
});
