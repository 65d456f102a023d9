import { join } from 'node:path';
import type { EngineManifest } from './cache.js';
import type { EngineEnvironment } from './environment.js';
import type { Flavour } from './versions.js';
import { type PinnedWheel, pinnedWheel } from './wheel-pins.js';

/** One way to get TensorFlow's libraries. */
export type SourcePlan =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'cache'; readonly directory: string; readonly manifest: EngineManifest }
  | { readonly kind: 'wheel'; readonly wheel: PinnedWheel }
  | { readonly kind: 'stock'; readonly url: string };

export interface SourceFacts {
  readonly environment: EngineEnvironment;
  readonly flavour: Flavour;
  readonly platform: string;
  /** An engine in the cache whose files passed their digests, whatever its addon or recipe. */
  readonly cached?: { readonly directory: string; readonly manifest: EngineManifest };
}

/**
 * Decides where the libraries may come from, in the order to try: the folder the user named (then nothing else: a
 * named folder that does not work is an error), libraries already in the cache, the pinned wheel, and the old stock
 * tarball where the user allowed it.
 *
 * @returns empty when nothing exists for this platform
 */
export function planSources(facts: SourceFacts): SourcePlan[] {
  const { environment, flavour, platform, cached } = facts;
  if (environment.tensorflowDir !== undefined) return [{ kind: 'folder', path: environment.tensorflowDir }];
  const plans: SourcePlan[] = [];
  // Libraries in a user's folder are not in the cache: without the variable we do not go back to that folder.
  if (cached !== undefined && cached.manifest.source.kind !== 'folder') plans.push({ kind: 'cache', ...cached });
  const wheel = pinnedWheel(flavour, platform);
  if (wheel !== undefined) plans.push({ kind: 'wheel', wheel });
  if (environment.allowStockDownload && platform === 'linux-x64') {
    plans.push({ kind: 'stock', url: `${environment.stockBaseUri}${flavour}-linux-x86_64-2.9.1.tar.gz` });
  }
  return plans;
}

/**
 * Whether a finished engine is the one that would be built now. An engine made from a user's folder stays valid after
 * the variable is unset; naming another folder, or naming one for the first time, asks for a new build.
 */
export function isCurrent(manifest: EngineManifest, environment: EngineEnvironment): boolean {
  const { source } = manifest;
  if (environment.tensorflowDir === undefined) return true;
  return source.kind === 'folder' && join(source.path) === join(environment.tensorflowDir);
}
