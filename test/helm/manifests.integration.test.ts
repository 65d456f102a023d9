import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { BASE_VALUES, MANIFESTS, OVERLAY_NAMES, overlayValues, parseManifests, renderChart } from './chart.js';
import { describeWithTools } from './describe-with-tools.js';
import { planOverlay, toFile } from './kustomize.js';
import { findProblems, type Manifest, titleOf } from './strict-manifest.js';

const run = promisify(execFile);

describeWithTools('plain manifests', ({ helm, kubectl }) => {
  const base = () => renderChart({ helm, files: [BASE_VALUES], hooks: false });
  const overlay = (name: (typeof OVERLAY_NAMES)[number]) =>
    renderChart({ helm, files: [BASE_VALUES, overlayValues(name)], hooks: false });
  const kustomize = async (folder: string): Promise<Manifest[]> =>
    parseManifests((await run(kubectl, ['kustomize', join(MANIFESTS, folder)], { maxBuffer: 16 * 2 ** 20 })).stdout);

  test('the base is what the chart renders', async () => {
    await expect(toFile(await base())).toMatchFileSnapshot(join(MANIFESTS, 'base/adctl.yaml'));
  });

  test.each(OVERLAY_NAMES)('overlay %s holds what differs from the base', async (name) => {
    const { added, patches } = planOverlay(await base(), await overlay(name));

    await expect(added).toMatchFileSnapshot(join(MANIFESTS, 'overlays', name, 'added.yaml'));
    await expect(patches).toMatchFileSnapshot(join(MANIFESTS, 'overlays', name, 'patches.yaml'));
  });

  test.each(OVERLAY_NAMES)(
    'kubectl kustomize of overlay %s gives what the chart renders with its values',
    async (name) => {
      const built = await kustomize(`overlays/${name}`);
      const rendered = await overlay(name);

      const byTitle = (manifests: readonly Manifest[]) =>
        Object.fromEntries(manifests.map((one) => [titleOf(one), one]));
      expect(byTitle(built)).toEqual(byTitle(rendered));
      expect(built.flatMap(findProblems)).toEqual([]);
    },
  );

  test('the base alone builds too', async () => {
    expect((await kustomize('base')).map(titleOf).sort()).toEqual((await base()).map(titleOf).sort());
  });
});

test('every example is one or more objects with a kind', () => {
  const folder = join(MANIFESTS, 'examples');
  for (const file of readdirSync(folder)) {
    const manifests = parseManifests(readFileSync(join(folder, file), 'utf8'));

    expect(manifests.length, file).toBeGreaterThan(0);
    for (const one of manifests)
      expect(one, file).toMatchObject({ apiVersion: expect.any(String), kind: expect.any(String) });
  }
});
