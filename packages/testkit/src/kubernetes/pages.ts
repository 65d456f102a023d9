import { badRequest, expired } from './failures.js';
import type { KubeObject } from './objects.js';
import type { Resource } from './resources.js';
import type { Matcher } from './selectors.js';
import type { Store } from './store.js';

/** One page of a list. Items carry neither kind nor apiVersion. */
export function listPage(store: Store, resource: Resource, query: URLSearchParams, matches: Matcher): unknown {
  const limit = Number(query.get('limit') ?? '0');
  const from = readToken(query.get('continue'));
  if (from !== null && store.isCompacted(from.version)) {
    throw expired('The provided continue parameter is too old to display a consistent list result.');
  }
  const all = store.list(resource.plural).filter(matches);
  const rest = from === null ? all : all.filter(({ metadata }) => metadata.name > from.after);
  const page = limit > 0 ? rest.slice(0, limit) : rest;
  const version = from?.version ?? store.version;
  const last = page.at(-1);
  const remaining = rest.length - page.length;
  return {
    kind: `${resource.kind}List`,
    apiVersion: resource.group === '' ? resource.version : `${resource.group}/${resource.version}`,
    metadata: {
      resourceVersion: String(version),
      ...(remaining === 0 || last === undefined
        ? {}
        : { continue: writeToken(version, last.metadata.name), remainingItemCount: remaining }),
    },
    items: page.map(withoutKind),
  };
}

const withoutKind = ({ kind: _kind, apiVersion: _apiVersion, ...item }: KubeObject) => item;

const writeToken = (version: number, after: string) => Buffer.from(`${version}:${after}`).toString('base64url');

function readToken(token: string | null): { readonly version: number; readonly after: string } | null {
  if (token === null || token === '') return null;
  const [, version, after] = /^(\d+):(.*)$/.exec(Buffer.from(token, 'base64url').toString('utf8')) ?? [];
  if (version === undefined || after === undefined) throw badRequest('continue key is not valid: illegal base64 data');
  return { version: Number(version), after };
}
