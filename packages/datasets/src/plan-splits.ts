import { digestOf, sha256 } from '@adctl/protocol';
import { createGenerator } from '@adctl/random';
import type { Dataset } from './dataset.js';
import { badSplitOption, protocolMismatch, tooFewImages, unknownClass } from './errors.js';
import type { PooledPosition, SplitProtocol } from './protocols/protocol.js';
import { findProtocol, listProtocols } from './protocols/registry.js';
import type { ImageList, Splits } from './splits.js';

/** Which splits to cut (a `TrialDataset` fits). */
export interface SplitRequest {
  /** Name of a protocol. */
  readonly protocol: string;
  /** What counts as normal: one of the protocol's `normals`. */
  readonly normal: string;
  readonly splitSeed: number;
  /** Share of the normal training images held out for selection, in (0, 0.5). Default 0.05. */
  readonly selectionFraction?: number;
  /** Share held out for calibration, in (0, 0.5). Default 0.05: with both, 90 % train, as the method specs ask. */
  readonly calibrationFraction?: number;
}

export const DEFAULT_HOLDOUT_FRACTION = 0.05;

/**
 * Cuts the four splits of a trial: the protocol chooses the normal training images and the test images; then a seeded shuffle
 * of the former holds out selection and calibration images, each `max(1, round(fraction * images))`, and the rest train.
 * Equal arguments give equal splits on every machine; positions are ascending, so images are read in file order.
 *
 * @throws AdctlError user `unknown_protocol`, `protocol_mismatch`, `unknown_class`, `bad_split_option`, `too_few_images`; for a
 *   class that is broken, the error that says why.
 */
export function planSplits(
  dataset: Pick<Dataset, 'name' | 'classes' | 'train' | 'test' | 'digest' | 'defects' | 'broken'>,
  request: SplitRequest,
): Splits {
  const protocol = findProtocol(request.protocol);
  const normal = normalIndex(dataset, protocol, request.normal);
  const { selectionFraction = DEFAULT_HOLDOUT_FRACTION, calibrationFraction = DEFAULT_HOLDOUT_FRACTION } = request;
  checkFraction('selectionFraction', selectionFraction);
  checkFraction('calibrationFraction', calibrationFraction);
  if (!Number.isSafeInteger(request.splitSeed)) throw badSplitOption('splitSeed', request.splitSeed, 'a whole number');

  const generator = (purpose: string) =>
    createGenerator(request.splitSeed, 'split', protocol.name, request.normal, purpose);
  const plan = protocol.plan({ dataset, normal, generator });
  assertTestable(plan.normalTests.length, plan.anomalousTests.length, request);
  const pool = generator('hold-out').shuffled(plan.pool);
  const selectionCount = Math.max(1, Math.round(selectionFraction * pool.length));
  const calibrationCount = Math.max(1, Math.round(calibrationFraction * pool.length));
  const heldOut = selectionCount + calibrationCount;
  if (pool.length <= heldOut) {
    throw tooFewImages({
      class: request.normal,
      found: pool.length,
      needed: heldOut + 1,
      purpose: 'training with one image each for training, selection and calibration',
    });
  }

  const list = (positions: readonly PooledPosition[]) => toImageList(positions, dataset.train.count);
  const selection = list(pool.slice(0, selectionCount));
  const calibration = list(pool.slice(selectionCount, heldOut));
  const train = list(pool.slice(heldOut));
  const test = list([...plan.normalTests, ...plan.anomalousTests]);
  const anomalous = new Set(plan.anomalousTests);
  const labels = Uint8Array.from([
    ...Array.from(test.train, (index) => Number(anomalous.has(index))),
    ...Array.from(test.test, (index) => Number(anomalous.has(dataset.train.count + index))),
  ]);
  return {
    train,
    selection,
    calibration,
    test: { sealed: 'test', images: test, labels },
    digest: digestOf({
      version: 1,
      dataset: dataset.digest,
      protocol: protocol.name,
      normal: request.normal,
      splitSeed: request.splitSeed,
      selectionFraction,
      calibrationFraction,
      lists: [train, selection, calibration, test].map(digestOfList),
    }),
  };
}

/** Protocols that can split a data set, by whether it tells defects. */
export function protocolsFor(dataset: Pick<Dataset, 'defects'>): readonly SplitProtocol[] {
  return listProtocols().filter(({ needsDefects }) => needsDefects === (dataset.defects !== undefined));
}

/** Position of what is normal in the protocol's `normals`. */
function normalIndex(
  dataset: Pick<Dataset, 'name' | 'classes' | 'defects' | 'broken'>,
  protocol: SplitProtocol,
  name: string,
): number {
  const fitting = protocolsFor(dataset);
  if (!fitting.includes(protocol)) {
    throw protocolMismatch(
      protocol.name,
      dataset.name,
      fitting.map((other) => other.name),
    );
  }
  const normals = protocol.normals(dataset.classes);
  const index = normals.indexOf(name);
  if (index < 0) throw unknownClass(name, dataset.name, normals);
  const reason = dataset.broken?.get(dataset.classes[index] ?? name);
  if (reason !== undefined) throw reason;
  return index;
}

function assertTestable(normalTests: number, anomalousTests: number, { normal, protocol }: SplitRequest): void {
  const purpose = `the test part of ${protocol}`;
  if (normalTests === 0) throw tooFewImages({ class: normal, found: 0, needed: 1, purpose });
  if (anomalousTests === 0) throw tooFewImages({ class: `anything but ${normal}`, found: 0, needed: 1, purpose });
}

function checkFraction(name: string, value: number): void {
  if (!(value > 0 && value < 0.5)) throw badSplitOption(name, value, 'a number above 0 and below 0.5');
}

function toImageList(positions: readonly PooledPosition[], trainCount: number): ImageList {
  const ascending = Int32Array.from(positions).sort();
  const firstTest = ascending.findIndex((position) => position >= trainCount);
  const border = firstTest < 0 ? ascending.length : firstTest;
  return {
    train: ascending.slice(0, border),
    test: ascending.slice(border).map((position) => position - trainCount),
  };
}

function digestOfList(list: ImageList): string[] {
  return [list.train, list.test].map((positions) => sha256(new Uint8Array(positions.buffer)));
}
