import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Admitted, admitNew, admitUpdate } from './admission.js';
import { evictPod } from './evictions.js';
import { badRequest, conflict, forbidden, notFound, Refusal } from './failures.js';
import { type Fault, Faults } from './faults.js';
import { type Fields, isRecord, type KubeObject } from './objects.js';
import { listPage } from './pages.js';
import { applyPatch } from './patches.js';
import { type Route, routeOf } from './resources.js';
import { fieldMatcher, labelMatcher } from './selectors.js';
import { Store } from './store.js';
import { streamWatch } from './watch-stream.js';

export interface ApiServerOptions {
  /** Rights of tokens in force; without any, every request may do everything. */
  readonly tokens?: Readonly<Record<string, readonly TokenRight[] | 'everything'>>;
  /** Pause between bookmarks. Default 60 s. */
  readonly bookmarkMs?: number;
}

/** What a token may do. */
export interface TokenRight {
  readonly apiGroup: string;
  readonly resource: string;
  readonly verbs: readonly string[];
}

/** One answered request, for tests. */
export interface SeenRequest {
  readonly verb: string;
  readonly plural: string;
  readonly name: string | undefined;
  readonly code: number;
  readonly userAgent: string;
}

/** A Kubernetes API server over plain HTTP: what a controller of Jobs needs, as the real one answers it. */
export interface ApiServer {
  readonly url: string;
  readonly store: Store;
  readonly faults: Faults;
  readonly requests: readonly SeenRequest[];
  /** Cuts the connections of all watches. */
  cutWatches(): void;
  /** Cuts everything and refuses connections until `start`. */
  stop(): Promise<void>;
  /** Takes connections again on the same port. */
  start(): Promise<void>;
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly route: Route;
  readonly verb: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

interface Answer {
  readonly code: number;
  readonly body: unknown;
  readonly warnings?: readonly string[];
}

export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const store = new Store(Date.now);
  const faults = new Faults();
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const watches = new Set<ServerResponse>();
  store.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://fake');
    const route = routeOf(url.pathname);
    const verb = verbOf(request.method ?? 'GET', url.searchParams, route);
    const body = await readBody(request);
    const note = (code: number) =>
      requests.push({
        ...{ verb, code, plural: route?.resource.plural ?? '', name: route?.name },
        userAgent: request.headers['user-agent'] ?? '',
      });
    try {
      checkToken(options, request, route, verb);
      if (route === undefined) throw notFound('path', url.pathname);
      const fault = faults.take(verb, route.resource.plural);
      if (fault?.fault === 'cut-before') return void response.destroy();
      if (fault?.fault === 'slow') await new Promise((resolve) => setTimeout(resolve, fault.ms));
      if (fault?.fault === 'status') throw faultRefusal(fault);
      const call: Call = { request, response, route, verb, query: url.searchParams, body };
      if (verb === 'watch') {
        note(200);
        watches.add(response);
        response.once('close', () => watches.delete(response));
        return startWatch(call, store, options, fault);
      }
      const answer = answerCall(call, store);
      if (fault?.fault === 'cut-after') return void response.destroy();
      note(answer.code);
      send(response, answer);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      note(error.code);
      send(response, { code: error.code, body: error.toStatus() }, error.headers);
    }
  };
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      send(response, { code: 500, body: new Refusal(500, 'InternalError', String(error)).toStatus() });
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  let port = 0;
  const listen = () =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        port = (server.address() as AddressInfo).port;
        resolve();
      });
    });
  await listen();
  return {
    url: `http://127.0.0.1:${port}`,
    store,
    faults,
    requests,
    cutWatches() {
      for (const response of watches) response.destroy();
    },
    stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      return closed;
    },
    start: listen,
  };
}

function verbOf(method: string, query: URLSearchParams, route: Route | undefined): string {
  if (method === 'GET') {
    if (route?.name !== undefined) return 'get';
    return query.get('watch') === 'true' || query.get('watch') === '1' ? 'watch' : 'list';
  }
  return { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[method] ?? method.toLowerCase();
}

function checkToken(
  { tokens }: ApiServerOptions,
  request: IncomingMessage,
  route: Route | undefined,
  verb: string,
): void {
  if (tokens === undefined) return;
  const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
  const rights = tokens[token];
  if (rights === undefined) throw new Refusal(401, 'Unauthorized', 'Unauthorized');
  if (rights === 'everything' || route === undefined) return;
  const { group, plural } = route.resource;
  const resource = route.subresource === undefined ? plural : `${plural}/${route.subresource}`;
  const may = rights.some((one) => one.apiGroup === group && one.resource === resource && one.verbs.includes(verb));
  if (!may) throw forbidden(`User cannot ${verb} resource "${resource}" in API group "${group}"`);
}

function faultRefusal({ code, retryAfter }: Extract<Fault, { fault: 'status' }>): Refusal {
  const reason = { 429: 'TooManyRequests', 500: 'InternalError', 503: 'ServiceUnavailable', 409: 'Conflict' }[code];
  const headers = retryAfter === undefined ? undefined : { 'Retry-After': String(retryAfter) };
  return new Refusal(code, reason, 'injected fault', {}, headers);
}

function startWatch(
  { response, route, query }: Call,
  store: Store,
  options: ApiServerOptions,
  fault: Fault | undefined,
) {
  const { bookmarkMs = 60_000 } = options;
  streamWatch(response, store, {
    plural: route.resource.plural,
    matches: matcherOf(route, query),
    from: versionOf(query.get('resourceVersion')),
    bookmarks: query.get('allowWatchBookmarks') === 'true',
    initialEvents: query.get('sendInitialEvents') === 'true',
    timeoutMs: Number(query.get('timeoutSeconds') ?? 1800) * 1000,
    bookmarkMs,
    silent: fault?.fault === 'silent',
    echo: fault?.fault === 'echo',
  });
}

function versionOf(text: string | null): number {
  const version = Number(text ?? '0');
  if (!Number.isInteger(version)) throw badRequest(`resourceVersion: Invalid value: "${text}"`);
  return version;
}

function matcherOf({ resource, namespace }: Route, query: URLSearchParams) {
  const labels = labelMatcher(query.get('labelSelector') ?? '');
  const fields = fieldMatcher(resource.plural, query.get('fieldSelector') ?? '');
  return (object: KubeObject) =>
    (namespace === undefined || object.metadata.namespace === namespace) && labels(object) && fields(object);
}

function answerCall(call: Call, store: Store): Answer {
  const { route, verb, query } = call;
  const { resource, namespace, name = '' } = route;
  switch (verb) {
    case 'list':
      return { code: 200, body: listPage(store, resource, query, matcherOf(route, query)) };
    case 'get':
      return { code: 200, body: store.get(resource.plural, namespace, name) };
    case 'create':
      return route.subresource === 'eviction' ? evictPod(store, namespace ?? '', name) : create(call, store);
    case 'update':
      return replace(call, store, store.get(resource.plural, namespace, name), fieldsOf(call.body));
    case 'patch': {
      const before = store.get(resource.plural, namespace, name);
      const contentType = (call.request.headers['content-type'] ?? '').split(';')[0] ?? '';
      return replace(call, store, before, { ...applyPatch(before, call.body, contentType) });
    }
    case 'delete':
      return { code: 200, body: remove(call, store) };
    default:
      throw new Refusal(405, 'MethodNotAllowed', `the server does not allow ${verb}`);
  }
}

function create(call: Call, store: Store): Answer {
  const { resource, namespace } = call.route;
  const raw = fieldsOf(call.body);
  const metadata = isRecord(raw.metadata) ? { ...raw.metadata } : {};
  if (typeof metadata.generateName === 'string' && metadata.name === undefined) {
    metadata.name = `${metadata.generateName}${Math.random().toString(36).slice(2, 7)}`;
  }
  const named = { ...raw, metadata: { ...metadata, ...(namespace === undefined ? {} : { namespace }) } };
  const { object, warnings } = admitNew(named, resource.kind, admissionOf(call, store));
  if (call.query.get('dryRun') === 'All') {
    if (store.find(resource.plural, namespace, object.metadata.name) !== undefined) {
      throw new Refusal(409, 'AlreadyExists', `${resource.plural} "${object.metadata.name}" already exists`);
    }
    return { code: 201, body: object, warnings };
  }
  return { code: 201, body: store.create(resource.plural, object), warnings };
}

/** A main write leaves the status alone; a status write leaves everything but status and metadata alone. */
function replace(call: Call, store: Store, before: KubeObject, raw: Fields): Answer {
  const { resource, subresource } = call.route;
  const { object, warnings }: Admitted = admitUpdate(before, raw, resource.kind, admissionOf(call, store));
  const { name, namespace } = before.metadata;
  const metadata = { ...object.metadata, name, ...(namespace === undefined ? {} : { namespace }) };
  const next: KubeObject =
    subresource === 'status'
      ? { ...before, metadata, status: object.status }
      : { ...object, metadata, ...(resource.status ? { status: before.status } : {}) };
  return { code: 200, body: store.update(resource.plural, next, { checkVersion: true }), warnings };
}

function admissionOf({ query, route }: Call, store: Store) {
  const labels = store.find('namespaces', undefined, route.namespace ?? '')?.metadata.labels;
  return {
    fieldValidation: query.get('fieldValidation') ?? 'Warn',
    restricted: labels?.['pod-security.kubernetes.io/enforce'] === 'restricted',
  };
}

function remove({ route, body, query }: Call, store: Store): unknown {
  const { resource, namespace, name = '' } = route;
  const object = store.get(resource.plural, namespace, name);
  const options = isRecord(body) ? body : {};
  const uid = isRecord(options.preconditions) ? options.preconditions.uid : undefined;
  if (uid !== undefined && uid !== object.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${String(uid)}, UID in object meta: ${object.metadata.uid}`;
    throw conflict(resource.plural, name, why);
  }
  const grace = Number(options.gracePeriodSeconds ?? query.get('gracePeriodSeconds') ?? Number.NaN);
  const gone = store.delete(resource.plural, object, Number.isNaN(grace) ? undefined : grace);
  if (resource.plural === 'pods') return gone;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, uid: object.metadata.uid },
  };
}

function fieldsOf(body: unknown): Fields {
  if (!isRecord(body)) throw badRequest('the body of the request is no object');
  return body;
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '') return undefined;
  return JSON.parse(text);
}

function send(response: ServerResponse, answer: Answer, headers: Readonly<Record<string, string>> = {}): void {
  const warnings = (answer.warnings ?? []).map((text) => `299 - ${JSON.stringify(text)}`);
  response.writeHead(answer.code, {
    'Content-Type': 'application/json',
    ...headers,
    ...(warnings.length === 0 ? {} : { Warning: warnings }),
  });
  response.end(JSON.stringify(answer.body));
}
