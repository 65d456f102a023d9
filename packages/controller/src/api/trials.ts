import {
  isFinal,
  LogLine,
  resultKey,
  type SelectionMetrics,
  type SweepId,
  type TrialDetail,
  type TrialPhase,
  type TrialRecord,
  type TrialState,
  type TrialSummary,
  type TrialWhy,
} from '@adctl/protocol';
import { readHead, readResult } from '@adctl/storage';
import { newRecord } from '../apply/dispatch-trials.js';
import { specOf } from '../apply/results.js';
import type { ControllerContext } from '../context.js';
import { unknownTrial } from '../errors.js';
import { viewDispatch } from '../observe/dispatch-view.js';
import type { HeldSweep } from '../observe/held-sweeps.js';
import { toTrialRecord } from '../observe/load-sweeps.js';
import type { DispatchSweep } from '../plan/dispatch.js';
import { explainTrial } from '../plan/why.js';
import type { Archive, KnownSweep } from './archive.js';

export interface TrialsApi {
  readonly context: ControllerContext;
  readonly archive: Archive;
  /** Where people find an object: a file's path, a URL. */
  readonly locate: (objectKey: string) => string;
}

/** Trials of one sweep, or of all that can be read, by sweep and index. */
export async function listTrials(
  api: TrialsApi,
  filter: {
    readonly sweep?: SweepId | undefined;
    readonly states?: readonly TrialState[] | undefined;
    readonly phase?: TrialPhase | undefined;
    readonly limit?: number | undefined;
  },
): Promise<TrialSummary[]> {
  const found =
    filter.sweep === undefined ? (await api.archive.findAll()).known : [await api.archive.find(filter.sweep)];
  const summaries: TrialSummary[] = [];
  for (const known of found) {
    const { sweep } = known.record;
    const left = (filter.limit ?? Number.POSITIVE_INFINITY) - summaries.length;
    if (left <= 0) break;
    const records = await recordsOf(api, sweep, filter.states);
    const wanted = records.filter(({ phase }) => filter.phase === undefined || phase === filter.phase).slice(0, left);
    const selection = await api.context.results.selectionOf(known.frozen, wanted);
    for (const record of wanted) summaries.push(toSummary(record, known, selection));
  }
  return summaries;
}

/** Live trials are in memory: asking only for those reads nothing. */
async function recordsOf(
  { context, archive }: TrialsApi,
  sweep: SweepId,
  states: readonly TrialState[] | undefined,
): Promise<TrialRecord[]> {
  const matches = ({ state }: TrialRecord) => states === undefined || states.includes(state);
  if (states === undefined || states.some(isFinal)) return (await archive.trials(sweep)).filter(matches);
  const live = [...(context.books.get(sweep)?.entries() ?? [])].map(({ record }) => record);
  return live.filter(matches).sort((a, b) => a.index - b.index);
}

function toSummary(
  record: TrialRecord,
  { record: sweep, plan }: KnownSweep,
  selection: ReadonlyMap<string, SelectionMetrics>,
): TrialSummary {
  const positions = (sweep.finalists ?? []).map(({ configurationIndex }) => configurationIndex);
  const { method, dataset, seed, hyperparameters } = plan.at(record.index, positions);
  const metrics = selection.get(record.resultKey ?? '');
  return {
    ...record,
    method,
    normal: dataset.normal,
    seed,
    hyperparameters,
    ...(metrics === undefined ? {} : { selection: metrics }),
  };
}

/** @throws AdctlError user `unknown_trial`, `ambiguous_trial`. */
export async function showTrial(
  api: TrialsApi,
  request: { readonly sweep?: SweepId | undefined; readonly trial: string },
): Promise<TrialDetail> {
  const record = await findTrial(api, request);
  const { sweep, trial, index, generation } = record;
  const known = await api.archive.find(sweep);
  // Final without a key: what lies there cannot be read, and the record says so.
  const key = record.resultKey ?? (isFinal(record.state) ? undefined : resultKey(sweep, trial, index, generation));
  const result = key === undefined ? null : await readResult(api.context.objects, key);
  const { head } = await readHead(api.context.objects, sweep, trial);
  const spec = result?.spec ?? (await specOfKnown(api.context, known, record));
  const locations = Object.entries(result?.artifacts ?? {}).map(([name, { key }]) => [name, api.locate(key)]);
  return {
    version: 1,
    record,
    spec,
    ...(result === null ? {} : { result }),
    ...(head === null ? {} : { checkpoint: head }),
    artifactLocations: Object.fromEntries(locations),
  };
}

/** Of a trial that has a record, or is planned. @throws AdctlError as `showTrial`. */
export async function explain(
  api: TrialsApi,
  request: { readonly sweep?: SweepId | undefined; readonly trial: string },
): Promise<TrialWhy> {
  const planned = findPlanned(api.context, request);
  // The same trial may have ended in an earlier sweep: people ask about the one that waits.
  const exact = planned.length === 1 ? planned.find(({ trial }) => trial === request.trial) : undefined;
  const record = exact ?? (await findTrial(api, request, planned));
  const held = api.context.held.get(record.sweep);
  if (held !== undefined) return { version: 1, trial: record.trial, state: record.state, reasons: [whyHeld(held)] };
  return explainRecord(api.context, await api.archive.find(record.sweep), record);
}

/** Why none of the trials of a sweep runs: what holds the next one back. Undefined while one runs, and at the end. */
export function explainSweep(context: ControllerContext, sweep: SweepId): TrialWhy['reasons'] | undefined {
  const held = context.held.get(sweep);
  if (held !== undefined) return [whyHeld(held)];
  const book = context.books.get(sweep);
  if (book === undefined || book.counts.running > 0) return undefined;
  const [first] = book.entries();
  const isPlanned = book.record.expanded < book.planned;
  if (first === undefined && !isPlanned) return undefined;
  const next =
    first?.record ?? newRecord(book.plan.at(book.record.expanded, book.finalistPositions), book.record.createdAt);
  return explainRecord(context, book, next).reasons;
}

const whyHeld = ({ reason }: HeldSweep): TrialWhy['reasons'][number] => ({ code: 'sweep_held', message: reason });

function explainRecord(context: ControllerContext, known: Pick<KnownSweep, 'record' | 'frozen'>, record: TrialRecord) {
  const { record: sweep, frozen } = known;
  const seen = context.leaseBoard.get(record.sweep, record.trial);
  const { classes, sweeps } = viewDispatch(context);
  const place = classes.find((one) => one.class === frozen.class);
  const inFlight = (of: (one: DispatchSweep) => boolean) =>
    sweeps.filter(of).reduce((sum, one) => sum + one.inFlight, 0);
  return explainTrial({
    record,
    sweep,
    pausedBefore: sweep.after?.filter((one) => context.books.get(one)?.record.state === 'paused') ?? [],
    nowMs: context.clock.now(),
    sweepInFlight: context.books.get(record.sweep)?.inFlight ?? 0,
    class: frozen.class,
    slots: context.fleet.slotsOf(frozen.class),
    window: place?.window ?? context.fleet.windowOf(frozen.class, 0),
    classInFlight: inFlight((one) => one.class === frozen.class),
    owner: sweep.owner,
    ownerInFlight: inFlight(({ owner }) => owner === sweep.owner),
    ownerSlots: context.owners.of(sweep.owner).slots,
    overdue: place?.overdue ?? false,
    classReasons: context.explainClass(frozen.class),
    secondsSinceRenewal: seen === undefined ? undefined : (context.clock.now() - seen.seenAtMs) / 1000,
  });
}

/** Lines stored with the trial's attempts, oldest first. @throws AdctlError as `showTrial`. */
export async function readLogs(
  api: TrialsApi,
  request: { readonly sweep?: SweepId | undefined; readonly trial: string },
): Promise<LogLine[]> {
  const { sweep, trial } = await findTrial(api, request);
  const lines: LogLine[] = [];
  for await (const { key } of api.context.objects.list(`v1/trial-artifact/${sweep}/${trial}/`)) {
    if (!key.endsWith('/log.ndjson')) continue;
    const object = await api.context.objects.get(key);
    const text = object === null ? '' : Buffer.from(object.content).toString('utf8');
    for (const line of text.split('\n')) if (line !== '') lines.push(LogLine.parse(JSON.parse(line)));
  }
  return lines.sort((a, b) => a.attempt - b.attempt || (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/** Trials that are planned but have no record yet, by their id or its number: they wait like any other. */
function findPlanned(
  context: ControllerContext,
  { sweep, trial }: { readonly sweep?: SweepId | undefined; readonly trial: string },
): TrialRecord[] {
  const found: TrialRecord[] = [];
  const index = Number(/^t(\d{6,})(-[0-9a-f]*)?$/.exec(trial)?.[1] ?? Number.NaN);
  for (const book of context.books.values()) {
    const { record, planned } = book;
    if (sweep !== undefined && sweep !== record.sweep) continue;
    if (!(index < planned) || (index < record.expanded && !book.missing.includes(index))) continue;
    const spec = book.plan.at(index, book.finalistPositions);
    if (spec.trial.startsWith(trial)) found.push(newRecord(spec, record.createdAt));
  }
  return found;
}

/** The one trial whose id begins like this. @param planned ones without a record that count too. */
async function findTrial(
  { context, archive }: TrialsApi,
  { sweep, trial }: { readonly sweep?: SweepId | undefined; readonly trial: string },
  planned: readonly TrialRecord[] = [],
): Promise<TrialRecord> {
  const sweeps = sweep === undefined ? (await archive.records()).map((record) => record.sweep) : [sweep];
  const found = [...planned];
  for (const one of sweeps) {
    for (const entry of await context.trials.entries(one)) {
      if (entry.key.slice(one.length + 1).startsWith(trial)) found.push(toTrialRecord(entry));
    }
  }
  const exact = found.filter((record) => record.trial === trial);
  const [only, second] = exact.length > 0 ? exact : found;
  if (only !== undefined && second === undefined) return only;
  throw unknownTrial(
    trial,
    (exact.length > 0 ? exact : found).map((record) => `${record.trial} (of ${record.sweep})`),
  );
}

async function specOfKnown(context: ControllerContext, known: KnownSweep, record: TrialRecord) {
  const book = context.books.get(record.sweep);
  if (book !== undefined) return specOf(context, book, record);
  return known.plan.at(
    record.index,
    (known.record.finalists ?? []).map(({ configurationIndex }) => configurationIndex),
  );
}
