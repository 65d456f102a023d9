import * as client from '@kubernetes/client-node';
import * as apps from 'kubernetes-models/apps/v1';
import * as batch from 'kubernetes-models/batch/v1';
import * as networking from 'kubernetes-models/networking.k8s.io/v1';
import * as policy from 'kubernetes-models/policy/v1';
import * as rbac from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import * as core from 'kubernetes-models/v1';

/** An object of the Kubernetes API as read from YAML. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
  readonly [key: string]: unknown;
}

/** `Deployment adctl-controller` */
export function titleOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.name}`;
}

interface Attribute {
  readonly baseName: string;
  readonly type: string;
}
type Model = new (manifest: never) => { validate(): void };

const GROUPS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  v1: core,
  'apps/v1': apps,
  'batch/v1': batch,
  'networking.k8s.io/v1': networking,
  'policy/v1': policy,
  'rbac.authorization.k8s.io/v1': rbac,
};

/**
 * What an API server would refuse of a manifest, as far as it can be known without one: unknown fields and wrong types by
 * the client's attribute maps, required fields and enums by the JSON schemas of kubernetes-models. Each knows what the
 * other does not.
 *
 * @returns one line per problem; kinds of neither library are a problem too.
 */
export function findProblems(manifest: Manifest): string[] {
  const { apiVersion, kind } = manifest;
  const problems = unknownFields(manifest, `V1${kind}`, kind);
  const model = GROUPS[apiVersion]?.[kind];
  if (model === undefined) return [...problems, `${apiVersion} ${kind} is no kind that can be checked`];
  try {
    new (model as Model)(manifest as never).validate();
  } catch (error) {
    problems.push(`${kind} ${manifest.metadata.name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return problems;
}

function unknownFields(value: unknown, type: string, path: string): string[] {
  const list = /^Array<(.+)>$/.exec(type)?.[1];
  if (list !== undefined) {
    if (!Array.isArray(value)) return [`${path}: must be a list`];
    return value.flatMap((item, index) => unknownFields(item, list, `${path}[${index}]`));
  }
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1];
  if (map !== undefined) {
    if (!isObject(value)) return [`${path}: must be a map`];
    return Object.entries(value).flatMap(([key, item]) => unknownFields(item, map, `${path}.${key}`));
  }
  switch (type) {
    case 'string':
      return typeof value === 'string' ? [] : [`${path}: must be text, is ${JSON.stringify(value)}`];
    case 'number':
      return typeof value === 'number' ? [] : [`${path}: must be a number, is ${JSON.stringify(value)}`];
    case 'boolean':
      return typeof value === 'boolean' ? [] : [`${path}: must be true or false, is ${JSON.stringify(value)}`];
    case 'IntOrString':
      return ['string', 'number'].includes(typeof value) ? [] : [`${path}: must be a number or text`];
    case 'any':
    case 'Date':
      return [];
  }
  return objectProblems(value, type, path);
}

function objectProblems(value: unknown, type: string, path: string): string[] {
  const attributes = attributesOf(type);
  if (attributes === undefined) return [`${path}: the client library has no ${type}`];
  if (!isObject(value)) return [`${path}: must be an object`];
  return Object.entries(value).flatMap(([key, item]) => {
    const attribute = attributes.find(({ baseName }) => baseName === key);
    return attribute === undefined
      ? [`${path}.${key}: unknown field`]
      : unknownFields(item, attribute.type, `${path}.${key}`);
  });
}

function attributesOf(type: string): readonly Attribute[] | undefined {
  const found = (client as Readonly<Record<string, unknown>>)[type];
  return typeof found === 'function' && 'getAttributeTypeMap' in found
    ? (found.getAttributeTypeMap as () => Attribute[])()
    : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
