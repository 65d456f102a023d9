import { userError } from '@adctl/protocol';
import { summarizeNetwork } from '../kit/network-summary.js';
import type { SafetensorsEntry } from '../kit/safetensors.js';
import { BACKBONE_NAMES, type BackboneName } from './architecture.js';
import { backboneOf } from './registry.js';
import { torchNameOf } from './torch-layout.js';
import { timmNameOf } from './underscored-names.js';

/** What a file turned out to be. */
export interface RecognisedFile {
  readonly architecture: BackboneName;
  /** From the file's tensor names to those of torchvision and timm. */
  readonly names: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

/** Prefixes that training code puts before every name. */
const PREFIXES = ['module.', 'model.', 'backbone.', 'encoder.'];
/** Tensors of classifiers, and counters: present in published files, not part of any trunk. */
const NOT_TRUNK = /^(classifier|pre_logits|head|fc)\.|^conv_head\.|^bn2\.|num_batches_tracked$/;

/** The first layer tells the families apart. */
const FAMILIES: readonly { readonly tensor: string; readonly members: readonly [BackboneName, ...BackboneName[]] }[] = [
  { tensor: 'features.0.weight', members: ['vgg16', 'vgg16-caffe'] },
  { tensor: 'conv1.weight', members: ['resnet18'] },
  { tensor: 'conv_stem.weight', members: ['efficientnet-lite0', 'efficientnet-lite0-torch'] },
];

/**
 * Finds out which architecture a file's tensors are of. A relative of a known one (VGG with batch normalisation, VGG19,
 * ResNet-34, EfficientNet-B0) is refused by the tensors that it has more.
 *
 * @throws AdctlError user `backbone_unknown`.
 */
export function recogniseBackbone(
  entries: readonly SafetensorsEntry[],
  place: string,
  as?: BackboneName,
): RecognisedFile {
  const names = translate(entries.map(({ name }) => name));
  const present = new Set(names.values());
  const family = FAMILIES.find(({ tensor }) => present.has(tensor));
  if (family === undefined) {
    const isKeras = entries.some(({ name }) => /(kernel|gamma)(:0)?$/.test(name));
    const found = `its first tensors are ${entries
      .slice(0, 3)
      .map(({ name }) => `'${name}'`)
      .join(', ')}`;
    throw unknown(place, isKeras ? `its names are those of Keras, not of torchvision or timm (${found})` : found);
  }
  const { members } = family;
  if (as !== undefined && !members.includes(as)) {
    throw unknown(place, `it has '${family.tensor}', so it is of ${members.join(' or ')}, not of ${as}`);
  }
  const architecture = as ?? members[0];
  const trunk = trunkTensors(architecture);
  const strange = [...present].filter((name) => !trunk.has(name) && !NOT_TRUNK.test(name));
  if (strange.length > 0) {
    const more = strange.length > 3 ? ` and ${strange.length - 3} more` : '';
    const listed = strange.slice(0, 3).map((name) => `'${name}'`);
    throw unknown(place, `${architecture} has no ${listed.join(', ')}${more}, so it is of a relative`);
  }
  return { architecture, names, notes: notesOn(architecture, as) };
}

function notesOn(architecture: BackboneName, as: BackboneName | undefined): string[] {
  if (as !== undefined || architecture !== 'efficientnet-lite0') return [];
  return [
    'Taken as trained in TensorFlow; a file from timm efficientnet_lite0 has the same tensors and needs --as efficientnet-lite0-torch.',
  ];
}

function translate(names: readonly string[]): ReadonlyMap<string, string> {
  const prefix = PREFIXES.find((candidate) => names.every((name) => name.startsWith(candidate))) ?? '';
  const bare = names.map((name) => name.slice(prefix.length));
  const isUnderscored = bare.includes('_conv_stem.weight');
  return new Map(names.map((name, i) => [name, isUnderscored ? timmNameOf(bare[i]!) : bare[i]!]));
}

function trunkTensors(architecture: BackboneName): ReadonlySet<string> {
  const plan = backboneOf(architecture).plan({ network: architecture, height: 224, width: 224 });
  return new Set(
    summarizeNetwork(plan).layers.flatMap((layer) =>
      layer.parameters.map((parameter) => torchNameOf(layer, parameter)),
    ),
  );
}

function unknown(place: string, reason: string) {
  return userError('backbone_unknown', `${place}: not the weights of a backbone that adctl knows: ${reason}`, {
    hint: `Known are ${BACKBONE_NAMES.join(', ')} in safetensors files with the names of torchvision or timm.`,
    details: { file: place, reason },
  });
}
