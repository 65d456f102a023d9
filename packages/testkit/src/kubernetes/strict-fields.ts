import * as client from '@kubernetes/client-node';
import { type Fields, isRecord } from './objects.js';

/** A field that the API would not take. */
export interface FieldProblem {
  /** `spec.template.spec.containers[0].img` */
  readonly path: string;
  readonly problem: 'unknown' | 'type';
}

interface Attribute {
  readonly baseName: string;
  readonly type: string;
}

/** Classes of the client's generated models by name. */
const MODELS = new Map<string, unknown>(Object.entries(client));
/** Kinds whose class is not `V1<Kind>`. */
const CLASSES: Readonly<Record<string, string>> = { Event: 'EventsV1Event' };

/**
 * Fields of an object that its kind does not have, or that have the wrong type, by the generated models of the client
 * library: what the server's strict decoding would refuse. Kinds without a model have no problems.
 */
export function strictProblems(object: Fields, kind: string): FieldProblem[] {
  return [...problemsOf(object, CLASSES[kind] ?? `V1${kind}`, '')];
}

function* problemsOf(value: unknown, type: string, path: string): Generator<FieldProblem> {
  if (value === undefined || value === null) return;
  const list = /^Array<(.+)>$/.exec(type)?.[1];
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1];
  const attributes = attributesOf(type);
  if (list !== undefined) {
    if (!Array.isArray(value)) yield { path, problem: 'type' };
    else for (const [index, item] of value.entries()) yield* problemsOf(item, list, `${path}[${index}]`);
  } else if (map !== undefined) {
    if (!isRecord(value)) yield { path, problem: 'type' };
    else for (const [key, item] of Object.entries(value)) yield* problemsOf(item, map, join(path, key));
  } else if (attributes !== undefined) {
    if (!isRecord(value)) yield { path, problem: 'type' };
    else yield* fieldProblems(value, attributes, path);
  } else if (type === 'string' || type === 'number' || type === 'boolean') {
    if (typeof value !== type) yield { path, problem: 'type' };
  }
}

function* fieldProblems(value: Fields, attributes: readonly Attribute[], path: string): Generator<FieldProblem> {
  for (const [key, item] of Object.entries(value)) {
    const attribute = attributes.find(({ baseName }) => baseName === key);
    if (attribute === undefined) yield { path: join(path, key), problem: 'unknown' };
    else yield* problemsOf(item, attribute.type, join(path, key));
  }
}

function attributesOf(type: string): readonly Attribute[] | undefined {
  const model = MODELS.get(type);
  if (typeof model !== 'function' || !('getAttributeTypeMap' in model)) return undefined;
  const read = model.getAttributeTypeMap;
  return typeof read === 'function' ? read() : undefined;
}

const join = (path: string, key: string) => (path === '' ? key : `${path}.${key}`);
