import { listWeights, readWeights } from '@adctl/datasets';
import { summarizeNetwork } from '@adctl/methods';
import {
  BACKBONE_NAMES,
  BACKBONES,
  type BackboneArchitecture,
  backboneOf,
  readBackboneWeights,
} from '@adctl/methods/backbones';
import { didYouMean, userError } from '@adctl/protocol';
import type { BackbonesListAnswer, BackbonesShowAnswer, CachedBackbone, KnownBackbone } from '../answers/backbones.js';

/** The known architectures and the weights in the cache. @throws AdctlError user `backbone_damaged`, `backbone_invalid`. */
export async function listBackbones(cacheDir: string): Promise<BackbonesListAnswer> {
  return { known: BACKBONES.map(describe), cached: await listCached(cacheDir) };
}

/**
 * One architecture by name, or one set of weights by its digest or the beginning of it.
 * @throws AdctlError user `unknown_backbone`.
 */
export async function showBackbone(wanted: string, cacheDir: string): Promise<BackbonesShowAnswer> {
  const cached = await listCached(cacheDir);
  const matches = /^[0-9a-f]{6,}$/.test(wanted) ? cached.filter(({ sha256 }) => sha256.startsWith(wanted)) : [];
  const weights = matches.length === 1 ? (matches[0] ?? null) : null;
  const name = BACKBONE_NAMES.find((known) => known === (weights?.architecture ?? wanted));
  if (name === undefined) {
    const near = didYouMean(wanted, BACKBONE_NAMES);
    throw userError(
      'unknown_backbone',
      `there is no backbone '${wanted}', nor weights in the cache that begin like that`,
      {
        hint: near === undefined ? `Known: ${BACKBONE_NAMES.join(', ')}.` : `Did you mean '${near}'?`,
        details: { wanted, known: BACKBONE_NAMES, cached: cached.map(({ sha256 }) => sha256) },
      },
    );
  }
  const architecture = backboneOf(name);
  const { layers } = summarizeNetwork(architecture.plan({ network: name, height: 224, width: 224 }));
  const shapes = new Map(layers.map(({ plan, outputShape }) => [plan.name, outputShape]));
  const { mean, deviation } = architecture.normalization;
  return {
    ...describe(architecture),
    weights,
    normalization: { mean: [...mean], deviation: [...deviation] },
    features: Object.entries(architecture.taps).map(([tap, layer]) => ({ tap, shape: [...(shapes.get(layer) ?? [])] })),
  };
}

async function listCached(cacheDir: string): Promise<CachedBackbone[]> {
  const files = await listWeights(cacheDir);
  return await Promise.all(
    files.map(async ({ sha256, path, bytes }) => {
      const { architecture, hasClasses } = readBackboneWeights(await readWeights(cacheDir, sha256), path);
      return { architecture, title: backboneOf(architecture).title, sha256, path, bytes, hasClasses };
    }),
  );
}

function describe({ name, title, published, taps, plan }: BackboneArchitecture): KnownBackbone {
  const { trainable } = summarizeNetwork(plan({ network: name, height: 224, width: 224 }));
  return { architecture: name, title, published, parameters: trainable, taps: Object.keys(taps) };
}
