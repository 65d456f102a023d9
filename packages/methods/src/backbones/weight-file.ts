import { type Sha256, sha256, userError } from '@adctl/protocol';
import { type LayerSummary, summarizeNetwork } from '../kit/network-summary.js';
import type { ParameterPlan } from '../kit/parameter-plan.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  listSafetensors,
  type SafetensorsEntry,
  type SafetensorsTensor,
} from '../kit/safetensors.js';
import { BACKBONE_NAMES, type BackboneEnd, type BackboneName } from './architecture.js';
import { recogniseBackbone } from './recognise.js';
import { backboneOf } from './registry.js';
import { fromTorchLayout, torchNameOf, torchShapeOf } from './torch-layout.js';

const FORMAT = 'adctl-backbone-1';

/** Weights taken out of somebody's file, in the form the cache keeps. */
export interface ConvertedWeights {
  readonly architecture: BackboneName;
  /** A safetensors file of F32 tensors in PyTorch's layout under torchvision's and timm's names; the same for equal weights. */
  readonly file: Uint8Array;
  /** Of `file`: what sweeps name and trials are identified by. */
  readonly sha256: Sha256;
  /** Tensors taken over. */
  readonly used: number;
  /** Names of tensors that no network here needs. */
  readonly ignored: readonly string[];
  /** Element types of the tensors taken over, as they were stored. */
  readonly dtypes: readonly string[];
  /** Whether the classifier came along. */
  readonly hasClasses: boolean;
  /** What a person should know, e.g. which normalisation was chosen and why. */
  readonly notes: readonly string[];
}

/**
 * Takes a backbone's weights out of a safetensors file with the tensor names of torchvision, timm or EfficientNet-Lite
 * ports. Every tensor that the features need must be there in its shape, and finite; nothing is made up. The tensors of
 * the classifier come along when they are all there.
 *
 * @param place of the file, for messages.
 * @param as the architecture, where the names fit several (`efficientnet-lite0` and `efficientnet-lite0-torch`).
 * @throws AdctlError user `backbone_unknown` when the names fit none; user `backbone_invalid` naming file and tensor.
 */
export function convertWeightFile(file: Uint8Array, place: string, as?: BackboneName): ConvertedWeights {
  const listed = inPlace(place, () => listSafetensors(file));
  const recognised = recogniseBackbone(listed, place, as);
  const { names } = recognised;
  const entries = new Map(listed.map((entry) => [names.get(entry.name) ?? entry.name, entry]));
  const isCaffe = recognised.architecture === 'vgg16' && as === undefined && hasNoClassifier(file, place, entries);
  const architecture = isCaffe ? 'vgg16-caffe' : recognised.architecture;
  const notes = isCaffe ? [CAFFE_NOTE] : recognised.notes;
  const features = parametersOf(architecture, 'taps');
  const head = parametersOf(architecture, backboneOf(architecture).hasClasses ? 'classes' : 'taps').slice(
    features.length,
  );
  const hasClasses = head.length > 0 && head.every(({ name }) => entries.has(name));
  const wanted = hasClasses ? [...features, ...head] : features;
  for (const { name, shape } of wanted) assertEntry(place, name, shape, entries.get(name));

  const stored = new Set(wanted.map(({ name }) => entries.get(name)!.name));
  const { tensors } = inPlace(place, () => decodeSafetensors(file, (name) => stored.has(name)));
  const taken = new Map(wanted.map(({ name }) => [name, finite(place, name, tensors.get(entries.get(name)!.name)!)]));
  const canonical = encodeSafetensors({ tensors: taken, metadata: { format: FORMAT, architecture } });
  return {
    architecture,
    file: canonical,
    sha256: sha256(canonical),
    used: wanted.length,
    ignored: listed.filter(({ name }) => !stored.has(name)).map(({ name }) => name),
    dtypes: [...new Set(wanted.map(({ name }) => entries.get(name)!.dtype))],
    hasClasses,
    notes,
  };
}

/** Weights out of the cache, ready for a network. */
export interface BackboneWeights {
  readonly architecture: BackboneName;
  readonly sha256: Sha256;
  readonly hasClasses: boolean;
  /** A parameter's values in the layout of our networks. */
  valuesOf(layer: LayerSummary, parameter: ParameterPlan): Float32Array;
}

/**
 * Reads a file that `convertWeightFile` made.
 * @throws AdctlError user `backbone_invalid` when it is another kind of file; permanent `safetensors_invalid` when damaged.
 */
export function readBackboneWeights(file: Uint8Array, place: string): BackboneWeights {
  const { tensors, metadata } = decodeSafetensors(file);
  const architecture = BACKBONE_NAMES.find((name) => name === metadata.architecture);
  if (metadata.format !== FORMAT || architecture === undefined) {
    throw invalid(place, 'it is not a file that `adctl backbones import` wrote');
  }
  return {
    architecture,
    sha256: sha256(file),
    hasClasses: tensors.size > parametersOf(architecture, 'taps').length,
    valuesOf(layer, parameter) {
      const name = torchNameOf(layer, parameter);
      const tensor = tensors.get(name);
      const shape = torchShapeOf(layer, parameter);
      if (tensor?.dtype !== 'F32' || tensor.shape.join() !== shape.join()) {
        throw invalid(place, `tensor '${name}' of shape [${shape}] is not in it`);
      }
      return fromTorchLayout(tensor.data, layer, parameter);
    },
  };
}

/** A bias of VGG16's classifier, small enough to look at. */
const CLASSIFIER_BIAS = 'classifier.6.bias';
const CAFFE_NOTE =
  'Its classifier holds no numbers, as that of the file ported from Caffe: taken as vgg16-caffe, which normalises pixels another way.';

/** The Caffe port has VGG16's names and shapes; only its classifier of NaNs gives it away. */
function hasNoClassifier(file: Uint8Array, place: string, entries: ReadonlyMap<string, SafetensorsEntry>): boolean {
  const stored = entries.get(CLASSIFIER_BIAS)?.name;
  if (stored === undefined) return false;
  const { tensors } = inPlace(place, () => decodeSafetensors(file, (name) => name === stored));
  const tensor = tensors.get(stored);
  return tensor?.dtype === 'F32' && tensor.data.some(Number.isNaN);
}

interface ExpectedTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The tensors of an architecture in its plan's order; those of 'taps' are the first of 'classes'. */
function parametersOf(architecture: BackboneName, end: BackboneEnd): ExpectedTensor[] {
  const plan = backboneOf(architecture).plan({ network: architecture, height: 224, width: 224, end });
  return summarizeNetwork(plan).layers.flatMap((layer) =>
    layer.parameters.map((parameter) => ({
      name: torchNameOf(layer, parameter),
      shape: torchShapeOf(layer, parameter),
    })),
  );
}

const FLOATS = ['F32', 'F64', 'F16', 'BF16'];

function assertEntry(place: string, name: string, shape: readonly number[], entry: SafetensorsEntry | undefined): void {
  if (entry === undefined) throw invalid(place, `tensor '${name}' of shape [${shape}] is missing`);
  const stored = entry.name === name ? `tensor '${name}'` : `tensor '${entry.name}' (${name})`;
  if (entry.shape.join() !== shape.join()) {
    throw invalid(place, `${stored} has shape [${entry.shape}], it must be [${shape}]`);
  }
  if (!FLOATS.includes(entry.dtype)) throw invalid(place, `${stored} is of dtype ${entry.dtype}, not a float`);
}

function finite(place: string, name: string, tensor: SafetensorsTensor): SafetensorsTensor {
  if (tensor.dtype === 'F32' && tensor.data.every(Number.isFinite)) return tensor;
  throw invalid(place, `tensor '${name}' holds values that are not finite`);
}

/** A damaged file is the user's to replace, and the message names it. */
function inPlace<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw invalid(place, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function invalid(place: string, reason: string, cause?: unknown) {
  return userError('backbone_invalid', `${place}: ${reason}`, {
    hint: 'Give a whole, undamaged safetensors file of one of the architectures that `adctl backbones list` names.',
    details: { file: place, reason },
    cause,
  });
}
