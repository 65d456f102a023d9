import { hasWeights, receiveWeights } from '@adctl/datasets';
import { METHODS } from '@adctl/methods';
import { backboneKey, type TrialSpec, userError } from '@adctl/protocol';
import type { SlotContext } from './attempt.js';
import { retryTransient } from './retry.js';

/**
 * Brings the backbone weights that a trial names from the object store into this machine's cache, unless they are there.
 *
 * @param signal ends waiting for the store.
 * @throws AdctlError user `backbone_missing` when neither has them, user `backbone_damaged` when the store's are not those.
 */
export async function fetchBackbone(
  { objects, clock, config, logger }: Pick<SlotContext, 'objects' | 'clock' | 'config' | 'logger'>,
  spec: Pick<TrialSpec, 'method' | 'hyperparameters'>,
  signal: AbortSignal,
): Promise<void> {
  const digest = weightsOf(spec);
  const { cacheDirectory } = config.trainer;
  if (digest === null || (await hasWeights(cacheDirectory, digest))) return;
  const key = backboneKey(digest);
  const fetched = await retryTransient(
    async () => {
      if ((await objects.head(key)) === null) return null;
      return await receiveWeights(cacheDirectory, digest, objects.read(key), `object ${key}`);
    },
    { clock, signal },
  );
  if (fetched === null) {
    throw userError(
      'backbone_missing',
      `the backbone weights ${digest} are neither in the cache nor in the object store`,
      {
        hint: 'Import the file they come from: adctl backbones import FILE_OR_URI, with --share for the workers of a cluster',
        details: { sha256: digest, key },
      },
    );
  }
  logger.info({ sha256: digest, bytes: fetched.bytes }, 'fetched backbone weights');
}

/** The digest a spec names; null without a backbone, with a random one, or where the hyperparameters say nothing legal. */
function weightsOf({ method, hyperparameters }: Pick<TrialSpec, 'method' | 'hyperparameters'>): string | null {
  const card = METHODS.find(({ name }) => name === method);
  const parsed = card?.hyperparameters.safeParse(hyperparameters);
  const choice = parsed?.success === true ? card?.backbone?.(parsed.data) : undefined;
  return choice === undefined || choice === null || choice.weights === 'random' ? null : choice.weights;
}
