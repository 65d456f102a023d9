import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type YAMLMap } from 'yaml';
import type { SweepIssue, SweepPath, SweepPlace } from './sweep-issue.js';

/** A sweep file as YAML nodes, with places for everything in it. */
export interface SweepDocument {
  /** Plain data; undefined when there is none. Overrides are already in it. */
  readonly value: unknown;
  /** What is wrong with the text itself. */
  readonly issues: readonly SweepIssue[];
  /** Offset of the first mistake after which the parser may have misread the structure; Infinity without one. */
  readonly trustedUntil: number;
  /** Where the value at `path` stands; for what is missing, the nearest parent's key. */
  placeOfValue(path: SweepPath): SweepPlace;
  /** Where the key at `path` stands. */
  placeOfKey(path: SweepPath): SweepPlace;
  /** The text of a plain scalar as written (`08`), or undefined. */
  sourceOf(path: SweepPath): string | undefined;
  /** The YAML text, comments kept, overrides included. */
  toText(): string;
}

const PARSE_OPTIONS = {
  version: '1.2',
  schema: 'core',
  stringKeys: true,
  prettyErrors: false,
  resolveKnownTags: false,
  logLevel: 'error',
} as const;

const SYNTAX_HINTS: Readonly<Record<string, { message?: string; suggestion: string }>> = {
  TAB_AS_INDENT: { message: 'a tab is used as indentation', suggestion: 'indent with spaces' },
  DUPLICATE_KEY: { message: 'the same key stands here twice', suggestion: 'keep one of them' },
  MULTIPLE_DOCS: { message: 'a second document begins here', suggestion: 'one file holds one sweep; remove the ---' },
  NON_STRING_KEY: { message: 'a key must be text', suggestion: 'quote it' },
};

/** Mistakes that leave the structure readable, so that what follows them is still checked. */
const HARMLESS = new Set(['DUPLICATE_KEY', 'MULTIPLE_DOCS']);

/**
 * Reads YAML 1.2. Refused with an issue each: syntax errors, duplicate keys, tabs as indentation, a second document, an
 * empty file, anchors, aliases, merge keys, tags, `__proto__`, and whole numbers too large to be exact. A byte order
 * mark is skipped.
 *
 * @param overrides `path=value` as given to `--set`; the value is YAML.
 */
export function readSweepDocument(text: string, overrides: readonly string[] = []): SweepDocument {
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const lines = new LineCounter();
  const document = parseDocument(source, { ...PARSE_OPTIONS, lineCounter: lines }) as Document;
  const flags = new Map<unknown, string>();
  const issues: SweepIssue[] = [];

  const placeAt = (path: SweepPath, offset: number): SweepPlace => {
    const { line, col } = lines.linePos(offset);
    return { path, line: Math.max(1, line), column: Math.max(1, col) };
  };
  let trustedUntil = Number.POSITIVE_INFINITY;
  for (const problem of [...document.errors, ...document.warnings]) {
    const hint = SYNTAX_HINTS[problem.code];
    const message = hint?.message ?? problem.message;
    issues.push({ ...placeAt([], problem.pos[0]), code: 'syntax', message, suggestion: hint?.suggestion });
    if (!HARMLESS.has(problem.code)) trustedUntil = Math.min(trustedUntil, problem.pos[0]);
  }
  if (document.contents === null && issues.length === 0) {
    const suggestion = 'start with apiVersion: adctl/v1';
    issues.push({ ...placeAt([], 0), code: 'syntax', message: 'the file is empty', suggestion });
  }
  issues.push(...refuseUnsupported(document, placeAt));
  for (const override of overrides) issues.push(...applyOverride(document, override, flags));

  const placeOf = (path: SweepPath, wanted: 'key' | 'value'): SweepPlace => {
    let node: unknown = document.contents;
    let flag = flags.get(node);
    let offset = 0;
    for (const [depth, key] of path.entries()) {
      if (isMap(node)) {
        const pair = (node as YAMLMap).items.find((item) => keyText(item.key) === String(key));
        if (pair === undefined) return flag === undefined ? placeAt(path, offset) : { path, line: 1, column: 1, flag };
        flag = flags.get(pair.value) ?? flag;
        const last = depth === path.length - 1;
        const there = last && wanted === 'value' && !isEmpty(pair.value);
        offset = startOf(there ? pair.value : pair.key) ?? offset;
        node = pair.value;
      } else if (isSeq(node) && node.items[Number(key)] !== undefined) {
        node = node.items[Number(key)];
        flag = flags.get(node) ?? flag;
        offset = startOf(node) ?? offset;
      } else {
        break;
      }
    }
    return flag === undefined ? placeAt(path, offset) : { path, line: 1, column: 1, flag };
  };

  return {
    value: hasAlias(document) ? undefined : (document.toJS() ?? undefined),
    issues,
    trustedUntil,
    placeOfValue: (path) => placeOf(path, 'value'),
    placeOfKey: (path) => placeOf(path, 'key'),
    sourceOf(path) {
      const node = document.getIn(path, true);
      return isScalar(node) && node.type === 'PLAIN' ? node.source : undefined;
    },
    toText: () => document.toString({ lineWidth: 0 }),
  };
}

function startOf(node: unknown): number | undefined {
  return (node as { range?: [number, number, number] | null } | null)?.range?.[0];
}

/** Nothing was written: `train:` and a line end. */
function isEmpty(node: unknown): boolean {
  return node === null || (isScalar(node) && node.value === null && node.source === '');
}

function keyText(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

function hasAlias(document: Document): boolean {
  let found = false;
  visit(document, {
    Alias: () => {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

/** What YAML allows and a sweep file does not: everything that makes the text differ from the data it stands for. */
function refuseUnsupported(document: Document, placeAt: (path: SweepPath, offset: number) => SweepPlace): SweepIssue[] {
  const issues: SweepIssue[] = [];
  const refuse = (node: unknown, message: string, suggestion: string) =>
    issues.push({ ...placeAt([], startOf(node) ?? 0), code: 'syntax', message, suggestion });
  visit(document, {
    Pair(_, pair) {
      if (keyText(pair.key) === '<<') refuse(pair.key, 'merge keys (<<) are not supported', 'write the keys out');
      if (keyText(pair.key) === '__proto__') refuse(pair.key, '__proto__ cannot be a key', 'remove it');
    },
    Node(_, node) {
      if (isAlias(node)) {
        refuse(node, `aliases (*${node.source}) are not supported`, 'write the value out');
        return;
      }
      if (node.anchor !== undefined) refuse(node, `anchors (&${node.anchor}) are not supported`, 'remove it');
      if (isScalar(node) && typeof node.value === 'number' && /^[-+]?[0-9]+$/.test(node.source ?? '')) {
        if (!Number.isSafeInteger(node.value)) {
          refuse(node, `${node.source} is too large to be exact`, 'quote it if it is text, else use a smaller number');
        }
      }
    },
  });
  return issues;
}

/** Splits `search.space.learningRate.values[0]` into keys and positions; undefined when it is not a path. */
function parseOverridePath(text: string): (string | number)[] | undefined {
  if (!/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+|\[[0-9]{1,6}\])*$/.test(text) || text.includes('__proto__')) return undefined;
  return [...text.matchAll(/\[([0-9]+)\]|([A-Za-z0-9_-]+)/g)].map(([, position, key]) =>
    position === undefined ? (key as string) : Number(position),
  );
}

function applyOverride(document: Document, override: string, flags: Map<unknown, string>): SweepIssue[] {
  const issue = (message: string, suggestion: string): SweepIssue[] => [
    { path: [], line: 1, column: 1, flag: override, code: 'syntax', message, suggestion },
  ];
  const equals = override.indexOf('=');
  const path = equals < 0 ? undefined : parseOverridePath(override.slice(0, equals).trim());
  if (path === undefined) return issue('is not path=value', 'for example search.space.learningRate.values=[0.1]');
  const value = parseDocument(override.slice(equals + 1), PARSE_OPTIONS);
  const first = value.errors[0] ?? value.warnings[0];
  if (first !== undefined) return issue(`has a value that is not YAML: ${first.message}`, 'quote it for the shell');
  if (hasAlias(value as Document)) return issue('has an alias in its value', 'write the value out');

  // Parents that are missing are made here, so that each carries the flag and no place in the file is claimed for them.
  for (let depth = 1; depth < path.length; depth++) {
    const parent = document.getIn(path.slice(0, depth), true);
    if (isMap(parent)) continue;
    if (isSeq(parent) && typeof path[depth] === 'number') continue;
    if (parent !== undefined && !(isScalar(parent) && parent.value === null)) {
      return issue(`goes through ${path.slice(0, depth).join('.')}, which is not a mapping`, 'name an existing path');
    }
    const made = document.createNode({});
    flags.set(made, override);
    document.setIn(path.slice(0, depth), made);
  }
  if (document.contents !== null && !isMap(document.contents))
    return issue('needs a file that is a mapping', 'mend the file');
  const list = path.length > 1 ? document.getIn(path.slice(0, -1), true) : undefined;
  const last = path.at(-1);
  if (isSeq(list) && (typeof last !== 'number' || last > list.items.length)) {
    return issue(`names a position the list does not have (it has ${list.items.length})`, 'use [0] for the first');
  }
  const node = value.contents ?? document.createNode(null);
  visit(node as never, {
    Node(_, inner) {
      inner.range = null;
    },
  });
  flags.set(node, override);
  document.setIn(path, node);
  return [];
}
