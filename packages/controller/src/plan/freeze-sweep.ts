import { digestOf, type Sha256, type Sweep, SweepId } from '@adctl/protocol';
import { createSearch, drawSeeds } from '@adctl/search';
import type { FrozenSweep } from './frozen-sweep.js';

/** What a data set is, once opened. */
export interface DatasetFacts {
  /** What can be normal under the sweep's protocol. */
  readonly classes: readonly string[];
  /** Protocols that can split it. */
  readonly protocols: readonly string[];
  /** Image size as stored; the model sees it unless the file names another. */
  readonly shape: { readonly height: number; readonly width: number; readonly channels: number };
  /** Digest of the data as the model will see it. */
  readonly digest: Sha256;
}

export interface FreezeOptions {
  readonly dataset: DatasetFacts;
  readonly codeVersionOf: (method: string) => Sha256;
  /** What workers must satisfy to run the sweep's pool. */
  readonly class: string;
  /** Absolute folder of the images, for data sets given by the user. */
  readonly root?: string | undefined;
  /** 8 hex digits for `--fresh`; the id then never existed before. */
  readonly freshToken?: string | undefined;
}

/**
 * Resolves everything in a sweep that could change later. Equal files, data and code give the same id, so that
 * submitting twice is the same sweep.
 * @throws AdctlError user as `createSearch` does.
 */
export function freezeSweep(sweep: Sweep, options: FreezeOptions): FrozenSweep {
  const { dataset, codeVersionOf, freshToken, root } = options;
  const { normal } = sweep.dataset;
  const { root: _relative, ...datasetSection } = sweep.dataset;
  const content = {
    version: 1 as const,
    sweep: {
      ...sweep,
      dataset: {
        ...datasetSection,
        ...(root === undefined ? {} : { root }),
        normal: normal === 'each' ? [...dataset.classes] : normal,
        image: sweep.dataset.image ?? { ...dataset.shape },
      },
    },
    class: options.class,
    dataDigest: dataset.digest,
    methods: sweep.methods.map((method) => ({
      method,
      codeVersion: codeVersionOf(method),
      configurations: createSearch(sweep.search, method).size,
    })),
    seeds: {
      search: drawSeeds({ sweepSeed: sweep.search.seed, phase: 'search', count: sweep.seeds.search }),
      report: drawSeeds({ sweepSeed: sweep.search.seed, phase: 'report', count: sweep.seeds.report }),
    },
    ...(freshToken === undefined ? {} : { freshToken }),
  };
  const suffix = freshToken ?? digestOf(content).slice(0, 8);
  return { ...content, id: SweepId.parse(`${sweep.name}-${suffix}`) };
}
