import { readWeights } from '@adctl/datasets';
import { loadEngine } from '@adctl/engine';
import { countTensors, prepareEngine } from '@adctl/methods/kit';
import { parseTrainerArguments } from './arguments.js';
import { createDatasetCache } from './dataset-cache.js';
import { serveTrials } from './session.js';
import { runTrial } from './trial.js';

/** Entry of a training process: loads TensorFlow once, then trains one trial after another. */
await serveTrials(async () => {
  const { flavour, threads, cacheDirectory, engineCacheDirectory } = parseTrainerArguments(process.argv.slice(2));
  const { info } = await loadEngine({ flavour, threads, cacheDir: engineCacheDirectory });
  prepareEngine();
  const datasets = createDatasetCache(cacheDirectory);
  const engine = {
    backend: 'tensorflow',
    tensorflow: info.tensorflowVersion,
    gpu: info.isUsingGpu,
    threads: info.threads.intra,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
  };
  return {
    engine,
    countTensors,
    async run(start, report, stop) {
      const end = await runTrial({
        start,
        engine,
        openDataset: datasets.open,
        readWeights: (sha256) => readWeights(cacheDirectory, sha256),
        stop,
        report,
      });
      if (end.kind === 'failed') await datasets.forget(start.spec);
      // 30 ms. Image buffers of a finished trial are garbage that V8 sees no hurry to collect, while the C library keeps
      // whatever they and the next trial's buffers together once filled.
      globalThis.gc?.();
      return end;
    },
  };
});
