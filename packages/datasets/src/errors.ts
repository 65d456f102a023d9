import { AdctlError, userError } from '@adctl/protocol';
import { closest } from './closest.js';

/** Every error of this package that is expected to happen; `code` is stable. */

const listed = (names: readonly string[]) =>
  names.length <= 20 ? names.join(', ') : `${names.slice(0, 20).join(', ')}, … (${names.length} in all)`;

function unknownName(code: string, what: string, name: string, known: readonly string[]): AdctlError {
  const guess = closest(name, known);
  const meant = guess === undefined ? '' : `Did you mean '${guess}'? `;
  return userError(code, `unknown ${what} '${name}'`, {
    hint: `${meant}Known: ${listed(known)}.`,
    details: { name, known, suggestion: guess },
  });
}

/** Thrown when no card in the registry has this name. */
export function unknownDataset(name: string, known: readonly string[]): AdctlError {
  return unknownName('unknown_dataset', 'data set', name, known);
}

/** Thrown when no split protocol has this name. */
export function unknownProtocol(name: string, known: readonly string[]): AdctlError {
  return unknownName('unknown_protocol', 'protocol', name, known);
}

/** Thrown when the data set has no class of this name. */
export function unknownClass(name: string, dataset: string, known: readonly string[]): AdctlError {
  return unknownName('unknown_class', `class of ${dataset}`, name, known);
}

/** Thrown when a data set's files are not where they were looked for. */
export function datasetMissing(options: {
  readonly name: string;
  readonly directory: string;
  readonly missing: readonly string[];
  readonly hint: string;
}): AdctlError {
  return userError(
    'dataset_missing',
    `data set ${options.name} is not in ${options.directory}: ${options.missing.join(', ')} not found`,
    { hint: options.hint, details: { ...options } },
  );
}

/** Thrown when a file is read that is not the one whose digest was taken when its data set was opened. */
export function datasetFileChanged(file: string): AdctlError {
  return userError('dataset_changed', `${file} was changed while its data set was in use`, {
    hint: 'Bring the original file back, or submit the sweep again for the new one.',
    details: { file },
  });
}

/** Thrown when a file's content is not the content that the card pins. */
export function digestMismatch(options: {
  readonly dataset: string;
  readonly file: string;
  readonly expected: string;
  readonly found: string;
}): AdctlError {
  return userError(
    'digest_mismatch',
    `${options.file}: sha256 is ${options.found}, expected ${options.expected}; the file is damaged or another version`,
    { hint: `Run: adctl datasets fetch ${options.dataset} --force`, details: { ...options } },
  );
}

/** Thrown when a data set file breaks its format: wrong magic, wrong size, counts that disagree, labels out of range. */
export function corruptDataset(
  file: string,
  reason: string,
  details: Record<string, unknown> = {},
  cause?: unknown,
): AdctlError {
  return userError('corrupt_dataset', `${file}: ${reason}`, {
    hint: 'Fetch the data set again, or mend or remove the file.',
    details: { file, reason, ...details },
    cause,
  });
}

/** Thrown when one image file cannot be decoded. */
export function corruptImage(file: string, reason: string, cause?: unknown): AdctlError {
  return userError('corrupt_image', `${file}: cannot be read as an image: ${reason}`, {
    hint: 'Mend or remove the file, then start again.',
    details: { file, reason },
    cause,
  });
}

/** Thrown when an image can be decoded but not be used as it is: more than 8 bits a channel, CMYK, another size than its fellows. */
export function unsupportedImage(file: string, reason: string, hint: string): AdctlError {
  return userError('unsupported_image', `${file}: ${reason}`, { hint, details: { file, reason } });
}

/** Thrown when a mask is missing, empty, or of another size than its image. */
export function badMask(file: string, reason: string): AdctlError {
  return userError('bad_mask', `${file}: ${reason}`, {
    hint: 'A mask is an image of the same size, not black where its image is defective; mend it, or remove both.',
    details: { file, reason },
  });
}

/** Thrown when a path of a data set leads out of the folder that holds it. */
export function unsafePath(path: string, root: string): AdctlError {
  return userError('unsafe_path', `${path} leads out of ${root}`, {
    hint: 'Replace the link by the files it points to.',
    details: { path, root },
  });
}

/** Thrown when an image folder lacks the layout that docs/datasets.md describes. */
export function badFolder(root: string, reason: string, layout: string = CLASS_LAYOUT): AdctlError {
  return userError('bad_image_folder', `${root}: ${reason}`, {
    hint: `Lay the images out as ${layout}.`,
    details: { root, reason },
  });
}

const CLASS_LAYOUT = '<class>/*.png, or train/<class>/*.png and test/<class>/*.png';

/** Thrown when images cannot be given in the size that was asked for. */
export function unsupportedImageSize(message: string, hint: string): AdctlError {
  return userError('unsupported_image_size', message, { hint });
}

/** Thrown when a class has not enough images for what a protocol takes from it. */
export function tooFewImages(options: {
  readonly class: string;
  readonly found: number;
  readonly needed: number;
  readonly purpose: string;
}): AdctlError {
  return userError(
    'too_few_images',
    `class '${options.class}' has ${options.found} image${options.found === 1 ? '' : 's'}; ${options.purpose} needs ${options.needed}`,
    { hint: 'Add images, or choose another class or protocol.', details: { ...options } },
  );
}

/** Thrown when a protocol cannot split this data set: it needs to know defects and the set tells none, or the reverse. */
export function protocolMismatch(protocol: string, dataset: string, fitting: readonly string[]): AdctlError {
  return userError('protocol_mismatch', `protocol '${protocol}' cannot split ${dataset}`, {
    hint: `Use ${fitting.join(' or ')}.`,
    details: { protocol, dataset, fitting },
  });
}

/** Thrown when a held-out fraction, count or seed is out of range. */
export function badSplitOption(name: string, value: unknown, expected: string): AdctlError {
  return userError('bad_split_option', `${name} is ${String(value)}; expected ${expected}`, {
    hint: `Set ${name} to ${expected}.`,
    details: { name, value, expected },
  });
}

/** Thrown when an option of the texture generator is out of range. */
export function badTextureOption(name: string, value: unknown, expected: string): AdctlError {
  return userError('bad_texture_option', `${name} is ${String(value)}; expected ${expected}`, {
    hint: `Set --${name} to ${expected}.`,
    details: { name, value, expected },
  });
}

/** Thrown when a folder that is to be made holds something already. */
export function outputNotEmpty(directory: string): AdctlError {
  return userError('output_not_empty', `${directory} is there already and not an empty folder`, {
    hint: 'Name another folder, or remove this one.',
    details: { directory },
  });
}

/** The command that puts a data set into the object store again. */
const shareCommand = ({ name, kind }: { readonly name: string; readonly kind: 'files' | 'folder' }) =>
  kind === 'files' ? `adctl datasets share ${name}` : `adctl datasets share ${name} --root DIR`;

/** Thrown when what the object store holds of a shared data set is not what was shared. */
export function sharedDatasetDamaged(
  dataset: { readonly name: string; readonly kind: 'files' | 'folder' },
  file: string,
  reason: string,
  cause?: unknown,
): AdctlError {
  return userError('shared_dataset_damaged', `the shared data set ${dataset.name}: ${file} ${reason}`, {
    hint: `Write it anew: ${shareCommand(dataset)} --force`,
    details: { dataset: dataset.name, file, reason },
    cause,
  });
}

/** Thrown when a sweep or a trial names a data set that is neither in the cache nor in the object store. */
export function datasetNotShared(
  dataset: { readonly name: string; readonly kind: 'files' | 'folder'; readonly obtain: string },
  wanted: string | undefined,
  cause?: unknown,
): AdctlError {
  const which = wanted === undefined ? dataset.name : `${dataset.name} with digest ${wanted}`;
  const fetch = dataset.kind === 'files' ? `${dataset.obtain} ` : '';
  return userError('dataset_missing', `data set ${which} is neither in the cache nor in the object store`, {
    hint: `${fetch}For a cluster, put it into the object store as well: ${shareCommand(dataset)}`,
    details: { name: dataset.name, digest: wanted },
    cause,
  });
}

/** Thrown in a cluster for a folder outside of those that its operator named. */
export function dataRootRefused(root: string, allowed: readonly string[]): AdctlError {
  const where =
    allowed.length === 0 ? 'this cluster reads no folders' : `folders must lie below ${allowed.join(' or ')}`;
  return userError('data_root_refused', `${root} cannot be read here: ${where}`, {
    hint:
      'Share the images (adctl datasets share NAME --root DIR) and write what it prints as dataset.root; or let an operator mount them in ' +
      'controller and workers and name the mount in dataRoots (docs/kubernetes.md).',
    details: { root, allowed },
  });
}

/** Thrown when `--source` cannot be used for this data set at all. */
export function badSource(message: string, hint: string): AdctlError {
  return userError('bad_source', message, { hint });
}

/** Thrown when a source could not be reached or broke off; trying again may help. */
export function fetchFailed(message: string, details: Record<string, unknown>, cause?: unknown): AdctlError {
  return new AdctlError(message, {
    code: 'fetch_failed',
    kind: 'transient',
    hint: 'Try again, or give a copy of the files that lies on this machine.',
    details,
    cause,
  });
}
