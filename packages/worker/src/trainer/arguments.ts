import type { Flavour } from '@adctl/engine';

/** What a training process is told when it starts. */
export interface TrainerArguments {
  readonly flavour: Flavour;
  /** TensorFlow threads. */
  readonly threads: number;
  /** Root of the cache with the data sets. */
  readonly cacheDirectory: string;
  /** Root of the cache with the engine. */
  readonly engineCacheDirectory: string;
}

/** The command line of a training process. One JSON text: both ends are this package, nobody types it. */
export function toTrainerArguments(settings: TrainerArguments): string[] {
  const { flavour, threads, cacheDirectory, engineCacheDirectory } = settings;
  return [JSON.stringify({ flavour, threads, cacheDirectory, engineCacheDirectory })];
}

/** Reads `toTrainerArguments` back. @throws SyntaxError for anything else. */
export function parseTrainerArguments(words: readonly string[]): TrainerArguments {
  return JSON.parse(words[0] ?? '') as TrainerArguments;
}
