import { closest, distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import type { SweepIssueCode, SweepPath } from './sweep-issue.js';

/** A schema issue in words, before it has a place. */
export interface WordedIssue {
  readonly path: SweepPath;
  readonly code: SweepIssueCode;
  /** Whether the issue stands at the key (unknown keys) or the value. */
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly suggestion?: string | undefined;
}

type SchemaIssue = z.core.$ZodIssue;

/**
 * The known name nearest to what was written, when it is near enough to be meant: at most a third of the letters, or
 * two, differ.
 */
export function didYouMean(written: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const lower = new Map(known.map((name) => [name.toLowerCase(), name]));
  const nearest = closest(written.toLowerCase(), [...lower.keys()]);
  const allowed = Math.max(2, Math.floor(Math.max(written.length, nearest.length) / 3));
  return distance(written.toLowerCase(), nearest) <= allowed ? lower.get(nearest) : undefined;
}

/** Turns a schema issue into words; unions are unfolded to the branch that was meant, unknown keys to one issue each. */
export function wordIssue(issue: SchemaIssue, root: unknown, base: SweepPath = []): WordedIssue[] {
  const path = [...base, ...issue.path] as SweepPath;
  const value = valueAt(root, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey([...path, key], key));
    case 'invalid_key':
      return [{ path, code: 'wrong_value', at: 'key', message: `${quote(path.at(-1))} ${issue.issues[0]?.message}` }];
    case 'invalid_union': {
      const missing = missingIssue(path, root);
      if (missing !== undefined) return [missing];
      if (issue.discriminator !== undefined) return [badDiscriminator(path, value, issue)];
      const branch = intendedBranch(issue.errors, value);
      if (branch !== undefined) return branch.flatMap((inner) => wordIssue(inner, root, path));
      const near = Object.keys(Object(value)).map((key) => didYouMean(key, ['values', 'range', 'group']));
      const meant = near.find((key) => key !== undefined && issue.message.includes(key));
      const suggestion = meant === undefined ? undefined : `did you mean ${meant}?`;
      const message = `${nameOf(path)} ${issue.message}${gotten(value)}`;
      return [{ path, code: 'wrong_value', at: 'value', message, suggestion }];
    }
    case 'invalid_type': {
      const missing = missingIssue(path, root);
      if (missing !== undefined) return [missing];
      const wanted = TYPE_WORDS[issue.expected] ?? issue.expected;
      const message = issue.message.startsWith('must') ? issue.message : `must be ${wanted}`;
      return [{ path, code: 'wrong_value', at: 'value', message: `${nameOf(path)} ${message}${gotten(value)}` }];
    }
    case 'invalid_value': {
      const missing = missingIssue(path, root);
      if (missing !== undefined) return [missing];
      const names = issue.values.map(String);
      const message = `${nameOf(path)} must be ${names.join(' or ')}${gotten(value)}`;
      const near = typeof value === 'string' ? didYouMean(value, names) : undefined;
      const suggestion = near === undefined ? undefined : `did you mean ${near}?`;
      return [{ path, code: 'wrong_value', at: 'value', message, suggestion }];
    }
    default: {
      const bound = boundWords(issue);
      const said = bound ?? issue.message;
      const written = typeof value === 'object' ? '' : gotten(value);
      const suggestion = issue.code === 'invalid_format' ? formatSuggestion(path, value) : undefined;
      return [{ path, code: 'wrong_value', at: 'value', message: `${nameOf(path)} ${said}${written}`, suggestion }];
    }
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a finite number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
};

/** Keys people write out of habit, and ours. */
const FAMILIAR_KEYS: Readonly<Record<string, string>> = {
  params: 'hyperparameters',
  config: 'hyperparameters',
  trials: 'limits.maxTrials',
  timeout: 'trialTimeout',
  metrics: 'metric',
  min: 'from',
  max: 'to',
  num: 'samples',
  classes: 'normal',
  gpu: 'pool',
};

/** Every key of the format; `wordIssue` suggests from these when it is not told which belong at the place. */
const KNOWN_KEYS = [
  ...['apiVersion', 'kind', 'name', 'method', 'methods', 'dataset', 'search', 'train', 'seeds', 'objective'],
  ...['resources', 'limits', 'protocol', 'normal', 'root', 'image', 'splitSeed', 'holdout', 'height', 'width'],
  ...['channels', 'selection', 'calibration', 'algorithm', 'samples', 'seed', 'space', 'zip', 'exclude', 'values'],
  ...['range', 'group', 'when', 'from', 'to', 'step', 'count', 'scale', 'integer', 'preset', 'hyperparameters'],
  ...['checkpoint', 'report', 'finalists', 'metric', 'goal', 'pool', 'maxTrials', 'parallel', 'trialTimeout'],
  'maxAttempts',
] as const;

function unknownKey(path: SweepPath, key: string): WordedIssue {
  const near =
    FAMILIAR_KEYS[key] ??
    didYouMean(
      key,
      KNOWN_KEYS.filter((known) => known !== key),
    );
  const where = path.length === 1 ? 'at the top level' : `in ${nameOf(path.slice(0, -1))}`;
  let suggestion = near === undefined ? undefined : `did you mean ${near}?`;
  if (key === 'samples') suggestion = 'samples belongs to algorithm: random';
  if (key === 'method') suggestion = 'a sweep has either method or methods';
  return { path, code: 'unknown_key', at: 'key', message: `unknown key ${quote(key)} ${where}`, suggestion };
}

/** The key that decides between forms is missing or names none; zod's path ends with that key. */
function badDiscriminator(path: SweepPath, value: unknown, issue: SchemaIssue): WordedIssue {
  const names = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
  const near = didYouMean(String(value), names);
  const suggestion = near === undefined ? undefined : `did you mean ${near}?`;
  const message = `${nameOf(path)} must be ${names.join(' or ')}${gotten(value)}`;
  return { path, code: 'wrong_value', at: 'value', message, suggestion };
}

function missingIssue(path: SweepPath, root: unknown): WordedIssue | undefined {
  const parent = valueAt(root, path.slice(0, -1));
  const key = path.at(-1);
  if (path.length === 0 || parent === null || typeof parent !== 'object' || Array.isArray(parent)) return undefined;
  if ((parent as Record<string, unknown>)[String(key)] !== undefined) return undefined;
  const where = path.length === 1 ? '' : ` in ${nameOf(path.slice(0, -1))}`;
  const suggestion = MISSING_HINTS[String(key)];
  return { path, code: 'missing_key', at: 'value', message: `missing key ${quote(key)}${where}`, suggestion };
}

const MISSING_HINTS: Readonly<Record<string, string>> = {
  apiVersion: 'apiVersion: adctl/v1',
  kind: 'kind: Sweep',
  method: 'method: ocgan, or methods: [ocgan, dae]',
  dataset: 'dataset: { name: mnist, protocol: one-class, normal: each }',
  protocol: 'protocol: one-class',
  normal: 'normal: each, or a list of classes',
  algorithm: 'algorithm: grid, or random',
  samples: 'samples: 20',
};

/**
 * The branch of a union the author meant: of the branches whose own kind fits the value, the one with the fewest
 * issues at its first level. None when two fit equally badly.
 */
function intendedBranch(
  branches: readonly (readonly SchemaIssue[])[],
  value: unknown,
): readonly SchemaIssue[] | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  const cost = (issues: readonly SchemaIssue[]) =>
    issues.reduce((sum, issue) => {
      if (issue.path.length === 0) return sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 100);
      const owned = issue.path.length > 1 || valueAt(value, issue.path as SweepPath) !== undefined;
      return sum + (owned ? 0 : 1);
    }, 0);
  const ranked = branches.map((issues) => ({ issues, cost: cost(issues) })).sort((a, b) => a.cost - b.cost);
  const [best, second] = ranked;
  if (best === undefined || best.cost >= 100 || best.cost === second?.cost) return undefined;
  return best.issues;
}

function boundWords(issue: SchemaIssue): string | undefined {
  if (issue.code === 'too_small') {
    if (issue.origin === 'array') return `needs at least ${issue.minimum} ${issue.minimum === 1 ? 'entry' : 'entries'}`;
    if (issue.origin === 'string') return 'must not be empty';
    return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
  }
  if (issue.code === 'too_big') {
    if (issue.origin === 'string') return `must have at most ${issue.maximum} characters`;
    return `must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`;
  }
  return undefined;
}

function formatSuggestion(path: SweepPath, value: unknown): string | undefined {
  const key = path.at(-1);
  if (key === 'checkpoint' && typeof value === 'string' && /test/i.test(value)) {
    return 'test images only report: an epoch chosen on them makes every reported number too good; use best(selection.auroc)';
  }
  if (key === 'checkpoint' && typeof value === 'string' && /^best\b/.test(value)) return 'best(selection.auroc)';
  if (key === 'name' && typeof value === 'string') {
    const mended = value
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '');
    return mended === '' ? undefined : mended;
  }
  return undefined;
}

function valueAt(root: unknown, path: SweepPath): unknown {
  let value = root;
  for (const key of path) {
    if (value === null || typeof value !== 'object') return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}

/** The nearest name on the way: `values[1]`, `learningRate`. */
function nameOf(path: SweepPath): string {
  const key = path.at(-1);
  if (key === undefined) return 'the file';
  return typeof key === 'number' ? `${nameOf(path.slice(0, -1))}[${key}]` : String(key);
}

function quote(value: unknown): string {
  return JSON.stringify(String(value));
}

function gotten(value: unknown): string {
  if (value === undefined) return '';
  if (value === null) return ', is empty';
  if (Array.isArray(value)) return ', is a list';
  if (typeof value === 'object') return ', is a mapping';
  if (typeof value === 'number') return `, is ${value}`;
  const text = JSON.stringify(value);
  return `, is ${text.length > 60 ? `${text.slice(0, 57)}…"` : text}`;
}
