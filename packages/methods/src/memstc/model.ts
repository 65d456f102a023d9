import { AdctlError } from '@adctl/protocol';
import * as tf from '@tensorflow/tfjs';
import { createAdam } from '../kit/adam.js';
import { createBuffer, fittedContent } from '../kit/buffers.js';
import { assertImageShape } from '../kit/images.js';
import { meanSquaredErrorPerSample } from '../kit/losses.js';
import type { Network } from '../kit/network.js';
import { scalar } from '../kit/scalars.js';
import { smoothMaps } from '../kit/smooth-maps.js';
import type { ModelContext, SteppingModel } from '../method.js';
import { createCoder } from './coder.js';
import { findCentres, measureConstants, refill } from './fit.js';
import { type Hyperparameters, scoringBatch } from './hyperparameters.js';
import { entriesPerImage, keySizes, toKeys } from './keys.js';
import { blend } from './losses.js';
import { createQueue } from './queue.js';
import type { ScoreName } from './score-names.js';
import { combineMaps, combineParts, type Recollection, type ScoreParts, scoreParts } from './scores.js';
import { trainOn } from './step.js';
import { extractStructures, type Structures } from './structures.js';

/** The terms with memory begin once the queue holds so many entries, or half of the training set (spec, "Training"). */
const WARM_ENTRIES = 1024;

/**
 * MemSTC-style detector, re-implemented from the paper's abstract (Zhou et al., TNNLS 2022).
 *
 * - `prepare` clusters colours: the pseudo-semantic structure. The edge structure has no parameters.
 * - A step trains encoder, decoders and attention and puts the batch into a queue (see `trainOn`).
 * - `fit` fills a memory of the same kind with the final encoder's values and measures the constants of the score.
 *
 * Scores look up that memory alone; fitting and scoring leave the queue of training as it is.
 */
export function createMemstc(h: Hyperparameters, context: ModelContext): SteppingModel {
  const { input, seed } = context;
  const coder = createCoder(h, context);
  const { encoder, semanticDecoder, edgeDecoder, attention } = coder.networks;
  const adam = (...sources: Network[]) =>
    createAdam(sources, { learningRate: h.learningRate, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 });
  const optimizers = { autoencoder: adam(encoder, semanticDecoder, edgeDecoder), attention: adam(attention) };
  const perImage = entriesPerImage(h, input);
  const readSize = scoringBatch(h, input);

  const store = (name: string) =>
    createQueue({ name, capacity: h.queueSize, keySizes: keySizes(h), valueSize: h.latentSize });
  const queue = store('queue');
  const memory = store('memory');
  const [centres, warmEntries, constants] = [createBuffer(), createBuffer(), createBuffer()];

  const structuresOf = (images: tf.Tensor4D): Structures => {
    const { shape, data } = fittedContent(centres, 'a structure of memstc');
    return extractStructures(images, tf.tensor2d(data.slice(), [shape[0]!, shape[1]!]), h);
  };
  const keysOf = (structures: Structures) => toKeys(structures, h, input);

  /** x^ from the fitted memory, with everything a score looks at. */
  const recollect = (images: tf.Tensor4D): Recollection => {
    assertImageShape(images, input);
    if (memory.count === 0) {
      throw new AdctlError('the memory of memstc is asked before it was filled', { code: 'not_fitted', kind: 'bug' });
    }
    const original = structuresOf(images);
    const [semantic, edges] = memory.lookUp(keysOf(original), h);
    const parts = coder.decode([semantic.values, edges.values], 'infer');
    const reconstructions = blend(coder.attend(images, 'infer'), parts);
    return {
      images,
      reconstructions,
      original,
      rebuilt: structuresOf(reconstructions),
      distances: [tf.sqrt(semantic.squaredDistances), tf.sqrt(edges.squaredDistances)],
    };
  };
  const fittedConstants = (): ScoreParts<number> => {
    const [pixel, structure, retrieval] = fittedContent(constants, 'a score of memstc').data;
    return { pixel: pixel!, structure: structure!, retrieval: retrieval! };
  };
  /** Mean squared error of the direct path, averaged over the two decoders, `[batch]`. */
  const directError = (images: tf.Tensor4D): tf.Tensor1D => {
    assertImageShape(images, input);
    const values = coder.encode(images, 'infer');
    const [first, second] = coder.decode([values, values], 'infer');
    const sum = tf.add(meanSquaredErrorPerSample(first, images), meanSquaredErrorPerSample(second, images));
    return tf.mul(sum, scalar(0.5));
  };
  const memoryScores = (images: tf.Tensor4D) => {
    const parts = scoreParts(recollect(images));
    return { combined: combineParts(parts, fittedConstants(), h), ...parts };
  };
  const scoreOf = (images: tf.Tensor4D, name: ScoreName): tf.Tensor1D =>
    name === 'direct' ? directError(images) : memoryScores(images)[name];

  return {
    networks: coder.networks,
    optimizers,
    buffers: { centres, warmEntries, constants, ...queue.buffers, ...memory.buffers },

    async prepare(train) {
      const found = await findCentres(train, h.pseudoClasses, seed, readSize);
      centres.write({ shape: [h.pseudoClasses, input.channels], data: found });
      const warm = Math.min(WARM_ENTRIES, (train.count * perImage) / 2, h.queueSize);
      warmEntries.write({ shape: [1], data: Float32Array.of(warm) });
    },

    trainStep(images, { positions }) {
      assertImageShape(images, input);
      const [warm] = fittedContent(warmEntries, 'a step of memstc').data;
      const length = positions.length * perImage;
      const ids = Int32Array.from({ length }, (_, entry) => positions[Math.floor(entry / perImage)]!);
      const batch = { images, ids, isWarm: queue.count >= warm! };
      return trainOn(batch, { coder, optimizers, queue, structuresOf, keysOf }, h);
    },

    async fit({ train, calibration, signal }) {
      await refill(
        memory,
        { train, signal },
        {
          capacity: h.queueSize,
          entriesPerImage: perImage,
          seed,
          readSize,
          describe: (images) => ({ keys: keysOf(structuresOf(images)), values: coder.encode(images, 'infer') }),
        },
      );
      const measured = await measureConstants({ calibration, signal }, readSize, (images) =>
        scoreParts(recollect(images)),
      );
      const { pixel, structure, retrieval } = measured;
      constants.write({ shape: [3], data: Float32Array.of(pixel, structure, retrieval) });
    },

    ownScore: 'combined',
    score: (images, name = 'combined') => tf.tidy(() => scoreOf(images, name as ScoreName)),
    scoreAll: (images) => tf.tidy(() => ({ ...memoryScores(images), direct: directError(images) })),
    selectionLoss: (images) => tf.tidy(() => directError(images)),

    anomalyMap: (images) =>
      tf.tidy(() =>
        smoothMaps(combineMaps(recollect(images), fittedConstants(), h), Math.min(input.height, input.width) / 64),
      ),

    reconstruct: (images) => tf.tidy(() => recollect(images).reconstructions),

    dispose() {
      for (const optimizer of Object.values(optimizers)) optimizer.dispose();
      for (const each of [queue, memory]) each.dispose();
      coder.dispose();
    },
  };
}
