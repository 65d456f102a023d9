import { randomBytes } from 'node:crypto';
import { isAbsolute, resolve } from 'node:path';
import type { MethodCard } from '@adctl/methods';
import {
  AdctlError,
  digestOf,
  parseSweep,
  type Sha256,
  type SubmitSweep,
  type Sweep,
  type SweepAccepted,
  type SweepDraft,
  SweepFileError,
  type SweepId,
  SweepRecord,
  sharedDigest,
  sweepSpecKey,
} from '@adctl/protocol';
import { mayChange } from './api/ownership.js';
import { cancelSweep, takeUp } from './api/sweeps.js';
import { retryTrials } from './apply/retry-trials.js';
import { putStatus } from './apply/sweep-status.js';
import { createSweep, withdrawSweep } from './apply/write-trial.js';
import { type ControllerContext, isoNow } from './context.js';
import type { Controller } from './controller.js';
import type { DatasetCatalog } from './datasets.js';
import { sweepActive, sweepHeld, sweepOfOtherOwner } from './errors.js';
import { assertNotRebuilt } from './observe/held-sweeps.js';
import { loadSweep, sweepRecords, unacceptedCodeChange } from './observe/load-sweeps.js';
import { checkSweep } from './plan/check-sweep.js';
import { type DatasetFacts, freezeSweep } from './plan/freeze-sweep.js';
import { countMostReportTrials, countSearchTrials, type FrozenSweep } from './plan/frozen-sweep.js';
import { isOver } from './plan/is-over.js';
import { REASONS } from './reasons.js';
import { type SubmissionKey, submissionOf } from './submission.js';

/** What a sweep file is read with. */
export interface SweepReading {
  readonly cards: readonly MethodCard[];
  readonly datasets: DatasetCatalog;
  readonly codeVersionOf: (method: string) => Sha256;
  /** The class that serves a pool. */
  readonly classOf: (pool: string) => string;
}

/**
 * Parses and checks a sweep file and resolves everything in it; nothing is stored. The same for submission and for
 * `adctl plan`.
 * @throws SweepFileError with every mistake at once; AdctlError user for a data set that is not there or cannot be used.
 */
export async function readSweepFile(
  request: Pick<SubmitSweep, 'source' | 'file' | 'directory' | 'fresh'>,
  reading: SweepReading,
): Promise<FrozenSweep> {
  const { source, file, directory } = request;
  const { cards, datasets } = reading;
  const draft = peek(source, file);
  const root = absoluteRoot(draft, directory);
  const looked = await lookAt(draft, root, datasets);
  const { dataset } = draft;
  const known = looked.facts ?? (dataset === undefined ? undefined : datasets.known(dataset.name, dataset.protocol));
  const check = checkSweep({ cards, datasets: datasets.names, protocols: datasets.protocols, dataset: known });
  const sweep = parseSweep(source, { file, checks: [check] });
  if (looked.facts === undefined) throw looked.error;
  return freezeSweep(sweep, {
    dataset: looked.facts,
    codeVersionOf: reading.codeVersionOf,
    class: reading.classOf(sweep.resources.pool),
    root,
    freshToken: request.fresh ? randomBytes(4).toString('hex') : undefined,
  });
}

/**
 * Accepts a sweep: its idempotency key, the frozen object, the record, then the answer. A crash between them is mended by
 * submitting again; submitting the same sweep twice is the same sweep.
 * @param controller the file is read beside its turns: hashing a folder of images may take minutes.
 * @param caller who asks; the owner of a new sweep.
 * @throws as `readSweepFile`; AdctlError user `sweep_active`, `sweep_of_other_owner`, `sweep_held`.
 */
export async function submitSweep(
  controller: Pick<Controller, 'context' | 'settled'>,
  request: SubmitSweep,
  caller: string,
  reading: SweepReading,
): Promise<SweepAccepted> {
  const { context } = controller;
  // Ends: who loses a race for the key finds the winner's sweep.
  for (;;) {
    const repeated = await submissionOf(context, request, caller)?.find();
    if (repeated !== undefined) return toAccepted(repeated, { created: false, skipped: false });
    const frozen = await readSweepFile(request, reading);
    const accepted = await controller.settled(() => acceptSweep(context, request, caller, frozen));
    if (accepted !== null) return accepted;
  }
}

/** @returns null when another submission has taken the idempotency key meanwhile. */
async function acceptSweep(
  context: ControllerContext,
  request: SubmitSweep,
  caller: string,
  frozen: FrozenSweep,
): Promise<SweepAccepted | null> {
  assertNotRebuilt(context, frozen.id);
  const submission = submissionOf(context, request, caller);
  const records = await sweepRecords(context);
  const same = records.find(({ sweep }) => sweep === frozen.id);
  const active = records.filter(
    (record) => record.name === frozen.sweep.name && record.sweep !== frozen.id && !isOver(record),
  );
  const joined = same !== undefined && !isOver(same) ? same : undefined;
  const moving = active.filter((record) => !isLeftBehind(context, record));
  const [first] = joined === undefined ? moving : [joined];
  if (first !== undefined && request.ifActive === 'skip') return toAccepted(first, { created: false, skipped: true });
  if (first !== undefined && request.ifActive === 'fail') throw sweepActive(frozen.sweep.name, first.sweep);
  if (same?.state === 'cancelled' && !mayChange(context, same, caller)) {
    throw sweepOfOtherOwner(same, 'start a sweep of your own with --fresh'); // it would begin again
  }
  const foreign = active.find((record) => !mayChange(context, record, caller));
  if (request.ifActive === 'replace' && foreign !== undefined) {
    throw sweepOfOtherOwner(foreign, 'let yours wait for it with --if-active queue');
  }
  for (const { sweep } of request.ifActive === 'replace' ? active : []) {
    const held = context.held.get(sweep);
    if (held !== undefined) throw sweepHeld(sweep, held.reason); // before any other one is cancelled
  }

  const winner = await submission?.claim(frozen.id);
  if (winner !== undefined) return toAccepted(winner, { created: false, skipped: false });
  if (same !== undefined) {
    await continueSweep(context, frozen);
    return toAccepted(same, { created: false, skipped: false }, frozen);
  }
  if (request.ifActive === 'replace') {
    for (const { sweep } of active) await cancelSweep(context, sweep, { now: false, by: caller });
  }
  const before = { queue: moving, replace: active, join: [], skip: [], fail: [] }[request.ifActive];
  const after = before.map(({ sweep }) => sweep);
  return create(context, request, caller, { frozen, after, submission });
}

/** @returns null when another submission has taken the idempotency key meanwhile: then ours is withdrawn. */
async function create(
  context: ControllerContext,
  request: SubmitSweep,
  owner: string,
  accepted: {
    readonly frozen: FrozenSweep;
    /** Sweeps that it waits for. */
    readonly after: readonly SweepId[];
    readonly submission: SubmissionKey | undefined;
  },
): Promise<SweepAccepted | null> {
  const { frozen, after, submission } = accepted;
  await storeFrozen(context, frozen);
  const record: SweepRecord = {
    version: 1,
    sweep: frozen.id,
    name: frozen.sweep.name,
    owner,
    state: 'search',
    priority: request.priority,
    parallel: frozen.sweep.limits.parallel,
    createdAt: isoNow(context),
    searchTrials: countSearchTrials(frozen),
    expanded: 0,
    ...(request.idempotencyKey === undefined ? {} : { idempotencyKey: request.idempotencyKey }),
    ...(after.length === 0 ? {} : { after: [...after], reason: REASONS.waitsFor(after) }),
    fresh: request.fresh,
    specDigest: digestOf(frozen),
  };
  const created = await createSweep(context, record);
  if (created !== null && (await submission?.confirm()) === false) {
    await withdrawSweep(context, created, REASONS.overtaken);
    return null;
  }
  if (created !== null) {
    const { record: begun } = await loadSweep(context, created.record, created.revision);
    context.wake(); // it goes on even where its status cannot be stored now
    await putStatus(context, begun);
  }
  return toAccepted(record, { created: created !== null, skipped: false }, frozen);
}

/** Paused, and planned with other code than is installed now: it ends only if a person decides so, and nobody waits for that. */
function isLeftBehind(context: ControllerContext, { sweep, state }: SweepRecord): boolean {
  const book = context.books.get(sweep);
  return state === 'paused' && book !== undefined && unacceptedCodeChange(context, book) !== undefined;
}

/** The same file again after a cancel: what was cancelled gets a new generation. Anything else just goes on. */
async function continueSweep(context: ControllerContext, frozen: FrozenSweep): Promise<void> {
  const sweep = frozen.id;
  const entry = await context.sweeps.get(sweep);
  if (entry === null) return;
  const record = SweepRecord.parse(entry.value);
  if (record.state === 'cancelled') await retryTrials(context, record, { states: ['cancelled'] });
  else if (!isOver(record) && !context.books.has(sweep)) {
    // Held because its file was lost, or its submission broke off before it was begun.
    await storeFrozen(context, frozen);
    await takeUp(context, sweep);
  }
  context.wake();
}

async function storeFrozen({ objects }: ControllerContext, frozen: FrozenSweep): Promise<void> {
  const content = Buffer.from(JSON.stringify(frozen));
  await objects.put(sweepSpecKey(frozen.id), content, { ifAbsent: true, contentType: 'application/json' });
}

async function toAccepted(
  record: SweepRecord,
  how: Pick<SweepAccepted, 'created' | 'skipped'>,
  frozen?: FrozenSweep,
): Promise<SweepAccepted> {
  return {
    version: 1,
    sweep: record.sweep,
    ...how,
    ...(record.after === undefined ? {} : { after: record.after }),
    searchTrials: record.searchTrials,
    reportTrials: record.reportTrials ?? (frozen === undefined ? 0 : countMostReportTrials(frozen)),
  };
}

/** What can be read of the file, whatever its mistakes: they are reported by the second reading, together with all others. */
function peek(source: string, file: string): SweepDraft {
  let seen: SweepDraft = {};
  try {
    parseSweep(source, {
      file,
      checks: [
        (draft) => {
          seen = draft;
          return [];
        },
      ],
    });
  } catch (error) {
    if (!(error instanceof SweepFileError)) throw error;
  }
  return seen;
}

async function lookAt(
  { dataset }: SweepDraft,
  root: string | undefined,
  datasets: DatasetCatalog,
): Promise<
  { readonly facts: DatasetFacts; readonly error?: undefined } | { readonly facts?: undefined; readonly error: unknown }
> {
  if (dataset === undefined || !datasets.names.includes(dataset.name)) {
    return { error: new TypeError('a sweep without a known data set was accepted') };
  }
  try {
    return {
      facts: await datasets.look({ name: dataset.name, protocol: dataset.protocol, root, image: dataset.image }),
    };
  } catch (error) {
    if (!(error instanceof AdctlError)) throw error;
    return { error }; // thrown after the file's own mistakes, which come first
  }
}

function absoluteRoot({ dataset }: Partial<Pick<Sweep, 'dataset'>>, directory: string): string | undefined {
  const root = dataset?.root;
  if (root === undefined || isAbsolute(root) || sharedDigest(root) !== undefined) return root;
  return resolve(directory, root);
}
