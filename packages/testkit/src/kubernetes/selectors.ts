import { badRequest } from './failures.js';
import { isRecord, type KubeObject } from './objects.js';

export type Matcher = (object: KubeObject) => boolean;

const KEY = '[A-Za-z0-9][A-Za-z0-9._/-]*';

/** `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a)`, `k`, `!k`, joined by commas. @throws 400 for anything else. */
export function labelMatcher(selector: string): Matcher {
  if (selector === '') return () => true;
  const tests = selector.split(/,(?![^(]*\))/).map((part) => labelTest(part.trim()));
  return ({ metadata: { labels = {} } }) => tests.every((test) => test(labels));
}

function labelTest(part: string): (labels: Record<string, string>) => boolean {
  const set = new RegExp(`^(${KEY})\\s+(in|notin)\\s+\\(([^()]*)\\)$`).exec(part);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return (labels) => (labels[key] !== undefined && values.includes(labels[key])) === (operator === 'in');
  }
  const equal = new RegExp(`^(${KEY})\\s*(!=|==|=)\\s*([A-Za-z0-9._-]*)$`).exec(part);
  if (equal !== null) {
    const [, key = '', operator, value] = equal;
    return (labels) => (labels[key] === value) === (operator !== '!=');
  }
  const exists = new RegExp(`^(!?)\\s*(${KEY})$`).exec(part);
  if (exists === null) throw badRequest(`unable to parse requirement: found '${part}'`);
  const [, not, key = ''] = exists;
  return (labels) => (labels[key] !== undefined) === (not === '');
}

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  pods: [
    ...['metadata.name', 'metadata.namespace', 'spec.nodeName', 'spec.restartPolicy', 'spec.schedulerName'],
    ...['spec.serviceAccountName', 'status.phase'],
  ],
  jobs: ['metadata.name', 'metadata.namespace', 'status.successful'],
};

/** `field=value` and `field!=value`, joined by commas, for the fields the resource can be selected by. */
export function fieldMatcher(plural: string, selector: string): Matcher {
  if (selector === '') return () => true;
  const known = FIELDS[plural] ?? ['metadata.name', 'metadata.namespace'];
  const tests = selector.split(',').map((part) => {
    const [, field = '', operator, value = ''] = /^([^=!]+)(!=|==|=)(.*)$/.exec(part) ?? [];
    if (operator === undefined) throw badRequest(`invalid field selector: ${part}`);
    if (!known.includes(field)) throw badRequest(`field label not supported: ${field}`);
    return (object: KubeObject) => (fieldOf(object, field) === value) === (operator !== '!=');
  });
  return (object) => tests.every((test) => test(object));
}

function fieldOf(object: KubeObject, field: string): string {
  const path = field === 'status.successful' ? ['status', 'succeeded'] : field.split('.');
  let value: unknown = object;
  for (const part of path) value = isRecord(value) ? value[part] : undefined;
  if (field === 'status.successful') return String(value ?? 0);
  return typeof value === 'string' ? value : '';
}
