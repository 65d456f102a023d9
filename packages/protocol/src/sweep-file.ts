import type { z } from 'zod';
import { AdctlError } from './errors.js';
import { SeveralMethodsFile, SingleMethodFile, type Sweep } from './sweep.js';
import { readSweepDocument, type SweepDocument } from './sweep-document.js';
import { formatIssues, type SweepIssue, type SweepPath, type SweepPlace, sortIssues } from './sweep-issue.js';
import { type FileSections, type SweepDraft, toFilePath, toSweepDraft } from './sweep-normalize.js';
import { findContradictions } from './sweep-relations.js';
import { wordIssue } from './sweep-wording.js';

/** Thrown for a sweep file with mistakes: all of them, kind user, code `invalid_sweep`, also under `details.issues`. */
export class SweepFileError extends AdctlError {
  /** In the file's order. */
  readonly issues: readonly SweepIssue[];
  readonly file: string;

  constructor(issues: readonly SweepIssue[], file: string) {
    const sorted = sortIssues(issues);
    const count = sorted.length === 1 ? 'one mistake' : `${sorted.length} mistakes`;
    super(`${file} has ${count}:\n${formatIssues(sorted, file)}`, {
      code: 'invalid_sweep',
      kind: 'user',
      hint: 'Mend the places above; nothing was submitted.',
      details: { file, issues: sorted },
    });
    this.name = 'SweepFileError';
    this.issues = sorted;
    this.file = file;
  }
}

/**
 * Place of a value of the sweep, as a path inside the `Sweep` (for example
 * `['search', 'spaces', 'ocgan', 'space', 'learningRate', 'values', 0]`), whichever form the file is written in.
 * @param of 'value' (default), or 'key' for a name that should not be there.
 */
export type PlaceOf = (path: SweepPath, of?: 'value' | 'key') => SweepPlace;

/**
 * A check that needs more than the file: method cards, the data set registry, limits of a deployment. It also runs
 * when the schema found mistakes, on the sections and entries that could be read, so that one output names everything.
 */
export type SweepCheck = (draft: SweepDraft, at: PlaceOf) => readonly SweepIssue[];

export interface ParseSweepOptions {
  /** The file's name, for messages. */
  readonly file: string;
  /** `path=value` as given to `--set`, applied in order. */
  readonly overrides?: readonly string[];
  readonly checks?: readonly SweepCheck[];
}

/**
 * Reads a sweep file.
 * @param text YAML 1.2 (and so JSON).
 * @throws SweepFileError naming every mistake with its line, column and a suggestion.
 */
export function parseSweep(text: string, options: ParseSweepOptions): Sweep {
  const document = readSweepDocument(text, options.overrides);
  const { draft, issues } = checkSweepDocument(document, options.checks ?? []);
  if (issues.length > 0) throw new SweepFileError(issues, options.file);
  return draft as Sweep;
}

/**
 * The text of a sweep file with `--set` overrides written into it; comments stay.
 * @throws SweepFileError naming each override that cannot be applied, and mistakes of the YAML itself.
 */
export function applyOverrides(text: string, overrides: readonly string[], options: { readonly file: string }): string {
  const document = readSweepDocument(text, overrides);
  if (document.issues.length > 0) throw new SweepFileError(document.issues, options.file);
  return overrides.length === 0 ? text : document.toText();
}

/** All mistakes of a document, and what could be read of it. With no mistakes the draft is a whole `Sweep`. */
export function checkSweepDocument(
  document: SweepDocument,
  checks: readonly SweepCheck[],
): { readonly draft: SweepDraft; readonly issues: readonly SweepIssue[] } {
  const issues: SweepIssue[] = [...document.issues];
  const raw = document.value;
  if (raw === undefined) return { draft: {}, issues };
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) {
    const suggestion = 'start with apiVersion: adctl/v1';
    const message = 'a sweep file is a mapping of keys to values';
    issues.push({ ...document.placeOfValue([]), code: 'syntax', message, suggestion });
    return { draft: {}, issues };
  }

  const several = 'methods' in raw;
  const schema = several ? SeveralMethodsFile : SingleMethodFile;
  const broken = document.trustedUntil !== Number.POSITIVE_INFINITY;
  const found = schema.safeParse(raw);
  for (const worded of found.success ? [] : found.error.issues.flatMap((issue) => wordIssue(issue, raw))) {
    const { path, code, message, suggestion } = worded;
    if (broken && code === 'missing_key') continue;
    const place = worded.at === 'key' ? document.placeOfKey(path) : document.placeOfValue(path);
    issues.push({ ...place, code, message, suggestion });
  }
  issues.push(...ambiguousClasses(raw, document));

  const draft = toSweepDraft(found.success ? found.data : salvageSections(schema, raw));
  const at: PlaceOf = (path, of = 'value') => {
    const filePath = toFilePath(path, several);
    return of === 'key' ? document.placeOfKey(filePath) : document.placeOfValue(filePath);
  };
  const shapeIssues = [...issues];
  for (const { path, at: of, message, suggestion } of findContradictions(draft)) {
    const place = at(path, of);
    // Defaults may stand in for what could not be read beside it; a contradiction with those would be an invented one.
    if (shapeIssues.some((issue) => isInside(issue.path, place.path.slice(0, -1)))) continue;
    issues.push({ ...place, code: 'contradiction', message, suggestion });
  }
  issues.push(...strayBlocks(raw, draft, document, several));
  if (!broken) for (const check of checks) issues.push(...check(draft, at));
  return { draft, issues: broken ? issues.filter((issue) => isTrusted(issue, document)) : issues };
}

/** After a syntax error only what stands before it was surely read right. */
function isTrusted(issue: SweepIssue, document: SweepDocument): boolean {
  if (issue.code === 'syntax' || issue.flag !== undefined) return true;
  const first = document.issues
    .filter(({ code, flag }) => code === 'syntax' && flag === undefined)
    .reduce((a, b) => (a.line < b.line || (a.line === b.line && a.column <= b.column) ? a : b));
  return issue.line < first.line || (issue.line === first.line && issue.column < first.column);
}

function isInside(path: SweepPath, scope: SweepPath): boolean {
  return scope.length > 0 && scope.every((key, i) => String(path[i]) === String(key));
}

/** Sections that can be read once their mistakes are cut out. */
function salvageSections(schema: typeof SingleMethodFile | typeof SeveralMethodsFile, raw: object): FileSections {
  const sections: Record<string, unknown> = {};
  for (const [key, section] of Object.entries(schema.shape)) {
    const value = salvage(section, (raw as Record<string, unknown>)[key]);
    if (value !== undefined) sections[key] = value;
  }
  if (schema === SeveralMethodsFile && !('methods' in sections)) sections.methods = undefined;
  return sections as FileSections;
}

/** Parses a copy from which everything with an issue is removed, until it parses or nothing is left. */
function salvage(schema: z.ZodType, raw: unknown): unknown {
  const copy: unknown = structuredClone(raw);
  for (;;) {
    const found = schema.safeParse(copy);
    if (found.success) return found.data;
    for (const issue of found.error.issues) {
      const path = issue.path as SweepPath;
      const cut = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
      for (const target of cut) if (!remove(copy, target)) return undefined;
    }
  }
}

/** Deletes what stands at a path, or its nearest parent that is there; lists go whole, so that positions stay true. */
function remove(root: unknown, path: SweepPath): boolean {
  const parents: unknown[] = [root];
  for (const key of path.slice(0, -1)) {
    const parent = parents.at(-1);
    if (parent === null || typeof parent !== 'object') break;
    parents.push((parent as Record<string | number, unknown>)[key]);
  }
  for (let depth = Math.min(parents.length, path.length) - 1; depth >= 0; depth--) {
    const parent = parents[depth];
    const key = path[depth] as string | number;
    if (parent === null || typeof parent !== 'object' || Array.isArray(parent) || !(key in parent)) continue;
    delete (parent as Record<string | number, unknown>)[key];
    return true;
  }
  return false;
}

/** `normal: [08]` means 8 in YAML and 08 to its author. */
function ambiguousClasses(raw: object, document: SweepDocument): SweepIssue[] {
  const normal = (raw as { dataset?: { normal?: unknown } | null }).dataset?.normal;
  if (!Array.isArray(normal)) return [];
  const classes = normal.map(String);
  return normal.flatMap((value, i): SweepIssue[] => {
    const path = ['dataset', 'normal', i];
    const place = document.placeOfValue(path);
    const source = document.sourceOf(path);
    if (Number.isInteger(value) && source !== undefined && source !== String(value)) {
      const message = `class ${source} would be read as ${value}`;
      return [{ ...place, code: 'contradiction', message, suggestion: `quote it: "${source}"` }];
    }
    if (classes.indexOf(String(value)) === i) return [];
    return [
      { ...place, code: 'contradiction', message: `class ${value} stands here twice`, suggestion: 'name it once' },
    ];
  });
}

/** Methods named twice, and blocks for methods the sweep does not have. */
function strayBlocks(raw: object, draft: SweepDraft, document: SweepDocument, several: boolean): SweepIssue[] {
  const methods = draft.methods;
  if (!several || methods === undefined) return [];
  const issues: SweepIssue[] = [];
  const named = (raw as { methods: unknown[] }).methods;
  for (const [i, method] of named.entries()) {
    if (named.indexOf(method) === i) continue;
    const place = document.placeOfValue(['methods', i]);
    const message = `method ${String(method)} stands here twice`;
    issues.push({ ...place, code: 'contradiction', message, suggestion: 'name it once' });
  }
  const places = [
    ['search', 'space'],
    ['search', 'zip'],
    ['search', 'exclude'],
    ['train', 'hyperparameters'],
  ] as const;
  for (const [section, key] of places) {
    const blocks = (raw as Record<string, Record<string, unknown> | null | undefined>)[section]?.[key];
    if (blocks === null || typeof blocks !== 'object' || Array.isArray(blocks)) continue;
    for (const method of Object.keys(blocks)) {
      if (methods.includes(method)) continue;
      const message = `${JSON.stringify(method)} is not one of the sweep's methods`;
      const suggestion = `with methods, ${key} has one block per method: ${methods.join(', ')}`;
      issues.push({ ...document.placeOfKey([section, key, method]), code: 'contradiction', message, suggestion });
    }
  }
  return issues;
}
