import { AdctlError, userError } from '@adctl/protocol';
import type { GeneratorState, RandomGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import type { Model } from '../method.js';
import type { NamedVariable, Network, WeightOrigin } from './network.js';
import type { Optimizer, OptimizerState } from './optimizer.js';
import { decodeSafetensors, encodeSafetensors, type Safetensors, type SafetensorsTensor } from './safetensors.js';

/** What a checkpoint needs of a model; a `Model` fits. */
export type CheckpointedModel = WeightedModel & Pick<Model, 'optimizers'>;

/** What a weights file needs of a model. */
export type WeightedModel = Pick<Model, 'networks' | 'buffers'>;

/** Where training stands when a checkpoint is taken. */
export interface TrainingPosition {
  /** Epochs finished. */
  readonly epoch: number;
  /** Optimizer update cycles finished over the whole training. */
  readonly step: number;
  /** Batches finished of the epoch in progress; 0 between epochs. */
  readonly batch: number;
}

const FORMAT = 'adctl-checkpoint-1';
const BUFFER_PREFIX = 'buffer/';
const PositionSchema = z.object({
  epoch: z.number().int().nonnegative(),
  step: z.number().int().nonnegative(),
  batch: z.number().int().nonnegative(),
});
const GeneratorSchema = z.object({
  words: z.tuple([z.number(), z.number(), z.number(), z.number()]),
  spareNormal: z.number().nullable(),
});
const OptimizersSchema = z.record(
  z.string(),
  z.object({ kind: z.string(), stepCount: z.number().int().nonnegative(), slots: z.array(z.string()) }),
);

const OriginsSchema = z.record(
  z.string(),
  z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('seed'), seed: z.number().int() }),
    z.object({ kind: z.literal('weights'), sha256: z.string() }),
  ]),
);

/**
 * Everything needed to continue a training exactly, as one safetensors file that PyTorch reads: weights and moving
 * averages under `<network>/<layer>/<parameter>`, buffers under `buffer/<name>`, optimizer slots under
 * `optimizer/<optimizer>/<slot>/<variable>`, the rest in the metadata. Continuing from it is bitwise equal to not having
 * stopped, at the same thread count. Of a frozen network it says where the weights come from instead of holding them.
 *
 * @param generator the one the model was created with.
 */
export async function encodeCheckpoint(
  model: CheckpointedModel,
  generator: RandomGenerator,
  position: TrainingPosition,
): Promise<Uint8Array> {
  const tensors = await readWeights(model);
  const optimizers: z.infer<typeof OptimizersSchema> = {};
  for (const [name, optimizer] of Object.entries(model.optimizers)) {
    const { kind, stepCount, slots } = optimizer.state();
    optimizers[name] = { kind, stepCount, slots: slots.map((slot) => slot.name) };
    for (const slot of slots) {
      tensors.set(slotKey(name, slot.name), await readTensor(slot.tensor));
      slot.tensor.dispose();
    }
  }
  return encodeSafetensors({
    tensors,
    metadata: {
      format: FORMAT,
      ...originsOf(model),
      position: JSON.stringify(position),
      generator: JSON.stringify(generator.state()),
      optimizers: JSON.stringify(optimizers),
    },
  });
}

/**
 * Puts a checkpoint into a model made from the same hyperparameters and image shape. Everything is verified before
 * anything is changed.
 *
 * @returns where training stood.
 * @throws AdctlError `checkpoint_mismatch` (user) listing what differs; `checkpoint_invalid` (permanent) when the file is
 *   no checkpoint of ours; `safetensors_invalid` (permanent) when it is damaged.
 */
export function restoreCheckpoint(
  file: Uint8Array,
  model: CheckpointedModel,
  generator: RandomGenerator,
): TrainingPosition {
  const saved = decodeSafetensors(file);
  const position = readMetadata(saved, 'position', PositionSchema);
  const generatorState: GeneratorState = readMetadata(saved, 'generator', GeneratorSchema);
  const optimizers = readMetadata(saved, 'optimizers', OptimizersSchema);

  const differences = [
    ...weightDifferences(saved, model),
    ...nameDifferences('optimizer', Object.keys(optimizers), Object.keys(model.optimizers)),
    ...Object.entries(model.optimizers).flatMap(([name, optimizer]) =>
      optimizers[name] === undefined ? [] : optimizerDifferences(saved, name, optimizer, optimizers[name]),
    ),
  ];
  refuseDifferences(differences);

  writeWeights(saved, model);
  for (const [name, optimizer] of Object.entries(model.optimizers)) {
    const { kind, stepCount, slots } = optimizers[name]!;
    tf.tidy(() => {
      const state: OptimizerState = {
        kind,
        stepCount,
        slots: slots.map((slot) => ({ name: slot, tensor: toTensor(saved.tensors.get(slotKey(name, slot))!) })),
      };
      optimizer.restore(state);
    });
  }
  generator.restore(generatorState);
  return position;
}

/** Weights, moving averages and buffers alone: what scoring needs, and what a `best` checkpoint rule keeps. */
export async function encodeWeights(
  model: WeightedModel,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  return encodeSafetensors({
    tensors: await readWeights(model),
    metadata: { ...metadata, ...originsOf(model), format: FORMAT },
  });
}

/**
 * Puts the weights, moving averages and buffers of a weights file or a checkpoint into a model; optimizer state is
 * ignored.
 * @throws AdctlError as `restoreCheckpoint`.
 */
export function restoreWeights(file: Uint8Array, model: WeightedModel): void {
  const saved = decodeSafetensors(file);
  refuseDifferences(weightDifferences(saved, model));
  writeWeights(saved, model);
}

function variablesOf(model: Pick<Model, 'networks'>): NamedVariable[] {
  return Object.values(model.networks).flatMap((network) => network.saved);
}

function frozenOf(model: Pick<Model, 'networks'>): (readonly [Network, WeightOrigin])[] {
  return Object.values(model.networks).flatMap((network) =>
    network.origin === null ? [] : [[network, network.origin]],
  );
}

/** The metadata entry `origins`, for a model with frozen networks. */
function originsOf(model: Pick<Model, 'networks'>): { readonly origins?: string } {
  const frozen = frozenOf(model).map(([network, origin]) => [network.name, origin]);
  return frozen.length === 0 ? {} : { origins: JSON.stringify(Object.fromEntries(frozen)) };
}

function readOrigins(saved: Safetensors): Readonly<Record<string, WeightOrigin>> {
  return saved.metadata.origins === undefined ? {} : readMetadata(saved, 'origins', OriginsSchema);
}

function originDifferences(saved: Safetensors, model: WeightedModel): string[] {
  const origins = readOrigins(saved);
  return frozenOf(model).flatMap(([{ name }, origin]) => {
    const recorded = origins[name];
    if (recorded === undefined) return [`the file does not say where the weights of '${name}' come from`];
    if (recorded.kind === 'seed' && origin.kind === 'seed') return [];
    const [theirs, ours] = [recorded, origin].map((of) => (of.kind === 'seed' ? 'random' : of.sha256));
    return theirs === ours ? [] : [`'${name}' had the weights ${theirs}, the model's are ${ours}`];
  });
}

async function readWeights(model: WeightedModel): Promise<Map<string, SafetensorsTensor>> {
  const tensors = new Map<string, SafetensorsTensor>();
  for (const { name, variable } of variablesOf(model)) tensors.set(name, await readTensor(variable));
  for (const [name, buffer] of Object.entries(model.buffers ?? {})) {
    const { shape, data } = buffer.read();
    // A copy: the buffer may change while the file is still being written.
    tensors.set(`${BUFFER_PREFIX}${name}`, { dtype: 'F32', shape, data: data.slice() });
  }
  return tensors;
}

async function readTensor(tensor: tf.Tensor): Promise<SafetensorsTensor> {
  // A copy: the backend may hand out its own memory.
  return { dtype: 'F32', shape: tensor.shape, data: Float32Array.from(await tensor.data()) };
}

function toTensor(saved: SafetensorsTensor): tf.Tensor {
  return tf.tensor((saved.data as Float32Array).slice(), saved.shape.slice(), 'float32');
}

function writeWeights(saved: Safetensors, model: WeightedModel): void {
  const origins = readOrigins(saved);
  for (const [network, origin] of frozenOf(model)) {
    const recorded = origins[network.name]!;
    if (recorded.kind === 'seed' && origin.kind === 'seed' && recorded.seed !== origin.seed)
      network.reseed(recorded.seed);
  }
  for (const { name, variable } of variablesOf(model)) {
    tf.tidy(() => variable.assign(toTensor(saved.tensors.get(name)!)));
  }
  for (const [name, buffer] of Object.entries(model.buffers ?? {})) {
    const { shape, data } = saved.tensors.get(`${BUFFER_PREFIX}${name}`)!;
    buffer.write({ shape, data: data as Float32Array });
  }
}

/** Buffers may have any shape: what they hold grows with training. */
function weightDifferences(saved: Safetensors, model: WeightedModel): string[] {
  const expected = new Map(variablesOf(model).map(({ name, variable }) => [name, variable.shape]));
  const names = [...saved.tensors.keys()];
  const [variables, buffers] = [
    names.filter((name) => !name.startsWith('optimizer/') && !name.startsWith(BUFFER_PREFIX)),
    names.filter((name) => name.startsWith(BUFFER_PREFIX)).map((name) => name.slice(BUFFER_PREFIX.length)),
  ];
  const wrongBuffers = buffers.filter((name) => saved.tensors.get(`${BUFFER_PREFIX}${name}`)?.dtype !== 'F32');
  return [
    ...originDifferences(saved, model),
    ...nameDifferences('variable', variables, [...expected.keys()]),
    ...[...expected].flatMap(([name, shape]) => shapeDifference(saved, name, shape)),
    ...nameDifferences('buffer', buffers, Object.keys(model.buffers ?? {})),
    ...wrongBuffers.map((name) => `buffer '${name}' is not of dtype F32`),
  ];
}

function optimizerDifferences(
  saved: Safetensors,
  name: string,
  optimizer: Optimizer,
  recorded: z.infer<typeof OptimizersSchema>[string],
): string[] {
  const current = optimizer.state();
  const differences =
    recorded.kind === current.kind && recorded.slots.join() === current.slots.map((slot) => slot.name).join()
      ? current.slots.flatMap((slot) => shapeDifference(saved, slotKey(name, slot.name), slot.tensor.shape))
      : [`optimizer '${name}': saved ${recorded.kind} for other variables than the model's ${current.kind}`];
  for (const slot of current.slots) slot.tensor.dispose();
  return differences;
}

function nameDifferences(what: string, saved: readonly string[], expected: readonly string[]): string[] {
  return [
    ...expected.filter((name) => !saved.includes(name)).map((name) => `${what} '${name}' is missing in the file`),
    ...saved.filter((name) => !expected.includes(name)).map((name) => `${what} '${name}' is not in the model`),
  ];
}

function shapeDifference(saved: Safetensors, name: string, shape: readonly number[]): string[] {
  const tensor = saved.tensors.get(name);
  if (tensor === undefined) return name.startsWith('optimizer/') ? [`'${name}' is missing in the file`] : [];
  if (tensor.dtype !== 'F32') return [`'${name}' is of dtype ${tensor.dtype}, not F32`];
  return tensor.shape.join() === shape.join()
    ? []
    : [`'${name}' has shape [${tensor.shape}], the model's is [${shape}]`];
}

const MAX_LISTED = 8;

function refuseDifferences(differences: readonly string[]): void {
  if (differences.length === 0) return;
  const rest = differences.length > MAX_LISTED ? [`and ${differences.length - MAX_LISTED} more`] : [];
  throw userError(
    'checkpoint_mismatch',
    `the checkpoint does not fit the model: ${[...differences.slice(0, MAX_LISTED), ...rest].join('; ')}`,
    {
      hint: 'Create the model with the method, hyperparameters and image shape the checkpoint was made with.',
      details: { differences },
    },
  );
}

function readMetadata<T>({ metadata }: Safetensors, key: string, schema: z.ZodType<T>): T {
  const invalid = (reason: string, cause?: unknown) =>
    new AdctlError(`not a checkpoint of adctl: ${reason}`, { code: 'checkpoint_invalid', kind: 'permanent', cause });
  if (metadata.format !== FORMAT) throw invalid(`its format is '${metadata.format ?? 'not stated'}', not '${FORMAT}'`);
  const text = metadata[key];
  if (text === undefined) throw invalid(`it has no '${key}' (weights alone cannot continue a training)`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(`'${key}' is not JSON`, cause);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalid(`'${key}' is malformed: ${z.prettifyError(parsed.error)}`, parsed.error);
  return parsed.data;
}

function slotKey(optimizer: string, slot: string): string {
  return `optimizer/${optimizer}/${slot}`;
}
