import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { type Manifest, titleOf } from './strict-manifest.js';

const run = promisify(execFile);

const ROOT = join(import.meta.dirname, '../..');
export const CHART = join(ROOT, 'helm/adctl');
export const MANIFESTS = join(ROOT, 'manifests');
/** Values of `manifests/base`. */
export const BASE_VALUES = join(MANIFESTS, 'values.yaml');
/** Overlays of `manifests/`; each has a values file for the chart too. */
export const OVERLAY_NAMES = ['dev', 'gpu-a100', 'spot', 'kueue'] as const;

/** Values of an overlay, on top of the base's. */
export function overlayValues(name: (typeof OVERLAY_NAMES)[number]): string {
  return join(MANIFESTS, 'overlays', name, 'values.yaml');
}

export interface RenderOptions {
  readonly helm: string;
  /** Default `adctl`. */
  readonly release?: string;
  /** Default `adctl`. */
  readonly namespace?: string;
  /** Files with values, later ones win. */
  readonly files?: readonly string[];
  readonly values?: object;
  readonly apiVersions?: readonly string[];
  /** Hooks (the `helm test` pod) too; default yes. */
  readonly hooks?: boolean;
}

/** The smallest values an installation needs. */
export const LEAST_VALUES = {
  image: { repository: 'registry.example/adctl' },
  messaging: { url: 'nats://nats.example:4222' },
  objectStore: { bucket: 'trials' },
};

/**
 * Renders the chart.
 * @throws Error with what helm says.
 */
export async function renderChart(options: RenderOptions): Promise<Manifest[]> {
  const folder = mkdtempSync(join(tmpdir(), 'adctl-helm-'));
  try {
    const values = join(folder, 'values.yaml');
    writeFileSync(values, stringify(options.values ?? {}));
    const { stdout } = await run(
      options.helm,
      [
        ...['template', options.release ?? 'adctl', CHART],
        ...['--namespace', options.namespace ?? 'adctl', '--kube-version', '1.31.0'],
        ...(options.files ?? []).flatMap((file) => ['--values', file]),
        ...['--values', values],
        ...(options.apiVersions ?? []).flatMap((version) => ['--api-versions', version]),
        ...(options.hooks === false ? ['--no-hooks'] : []),
      ],
      { maxBuffer: 16 * 2 ** 20 },
    );
    return parseManifests(stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Every object of a stream of YAML documents. Keys that stand there twice are an error. */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document) => {
    const error = document.errors[0];
    if (error !== undefined) throw error;
    const value: unknown = document.toJS();
    return value === null ? [] : [value as Manifest];
  });
}

/** The object of a kind whose name ends so. */
export function findManifest(manifests: readonly Manifest[], kind: string, name = ''): Manifest {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name.endsWith(name));
  if (found === undefined) throw new Error(`no ${kind} ${name} among ${manifests.map(titleOf).join(', ')}`);
  return found;
}
