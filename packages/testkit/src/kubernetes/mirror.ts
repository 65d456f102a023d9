import { notFound } from './failures.js';
import type { Fields, KubeObject } from './objects.js';
import { RESOURCES, type Resource } from './resources.js';
import type { ClusterState } from './store.js';

/** What is mirrored: all that the stand-ins for scheduler and kubelet look at, and tests. */
const FOLLOWED = ['nodes', 'pods', 'jobs', 'secrets', 'configmaps', 'events'];
const PAUSE_MS = 200;

export const MERGE_PATCH = 'application/merge-patch+json';

type Write = (path: string) => Promise<KubeObject | null>;

/**
 * A real cluster's objects in memory, followed by list and watch, so that the stand-ins for scheduler and kubelet read and
 * write them as they do the fake's. A write shows here at once and is sent in order; what the server says of the object
 * meanwhile is older and passed over.
 */
export class Mirror implements ClusterState {
  readonly #objects = new Map<string, KubeObject>();
  /** The last write of each object that is on its way. */
  readonly #writes = new Map<string, Promise<void>>();
  readonly #listeners = new Set<() => void>();
  readonly #stop = new AbortController();

  /** @param url an API server that lets every request through */
  constructor(private readonly url: string) {}

  /** Resolves once everything was read; follows from there. */
  async follow(): Promise<void> {
    await Promise.all(
      FOLLOWED.map(async (plural) => {
        const resource = resourceOf(plural);
        const version = await this.#list(resource);
        void this.#watch(resource, version);
      }),
    );
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  list(plural: string, namespace?: string): KubeObject[] {
    const start = namespace === undefined ? `${plural}/` : keyOf(plural, namespace, '');
    return [...this.#objects]
      .filter(([key]) => key.startsWith(start))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => structuredClone(object));
  }

  find(plural: string, namespace: string | undefined, name: string): KubeObject | undefined {
    return structuredClone(this.#objects.get(keyOf(plural, namespace, name)));
  }

  get(plural: string, namespace: string | undefined, name: string): KubeObject {
    const found = this.find(plural, namespace, name);
    if (found === undefined) throw notFound(plural, name);
    return found;
  }

  /** Places a pod, or reports its status; everything else of it belongs to others. */
  update(plural: string, next: KubeObject): KubeObject {
    const { namespace, name } = next.metadata;
    const before = this.get(plural, namespace, name);
    this.#set(plural, { ...before, spec: next.spec, status: next.status });
    const node = before.spec?.nodeName === undefined ? next.spec?.nodeName : undefined;
    this.#write(plural, before, async (path) => {
      if (node !== undefined) {
        const target = { apiVersion: 'v1', kind: 'Node', name: node };
        const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target };
        await this.send('POST', `${path}/binding`, binding);
      }
      return this.send('PATCH', `${path}/status`, { status: next.status }, MERGE_PATCH);
    });
    return next;
  }

  /** The kubelet's last word on a pod: nothing of it is left. */
  remove(plural: string, namespace: string | undefined, name: string): KubeObject {
    const gone = this.get(plural, namespace, name);
    this.#objects.delete(keyOf(plural, namespace, name));
    this.#tell();
    this.#write(plural, gone, async (path) => {
      await this.send('DELETE', path, { gracePeriodSeconds: 0 });
      return null;
    });
    return gone;
  }

  /** Creates an object on the server. @throws Error with the server's words. */
  async create(plural: string, object: Fields & { metadata: Fields }): Promise<KubeObject> {
    const namespace = typeof object.metadata.namespace === 'string' ? object.metadata.namespace : undefined;
    const created = await this.send('POST', pathOf(resourceOf(plural), namespace), object);
    this.#accept(plural, 'ADDED', created);
    return created;
  }

  /** Changes an object by a merge patch. @throws Error with the server's words. */
  async patch(plural: string, namespace: string | undefined, name: string, patch: Fields): Promise<void> {
    await this.send('PATCH', `${pathOf(resourceOf(plural), namespace)}/${name}`, patch, MERGE_PATCH);
  }

  /** Asks the server to delete an object; what it owns follows. */
  async delete(plural: string, namespace: string | undefined, name: string): Promise<void> {
    const path = `${pathOf(resourceOf(plural), namespace)}/${name}`;
    await this.send('DELETE', path, { propagationPolicy: 'Background' });
  }

  async send(method: string, path: string, body: unknown, contentType = 'application/json'): Promise<KubeObject> {
    const headers = { 'Content-Type': contentType };
    const answer = await fetch(`${this.url}${path}`, { method, headers, body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new ServerRefusal(answer.status, `${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as KubeObject;
  }

  close(): void {
    this.#stop.abort();
  }

  #write(plural: string, { metadata }: KubeObject, write: Write): void {
    const key = keyOf(plural, metadata.namespace, metadata.name);
    const path = `${pathOf(resourceOf(plural), metadata.namespace)}/${metadata.name}`;
    const last = (this.#writes.get(key) ?? Promise.resolve())
      .then(() => write(path))
      .catch((error: unknown) => {
        // Gone, or somebody else was faster: the watch tells.
        if (error instanceof ServerRefusal && (error.status === 404 || error.status === 409)) return null;
        if (this.#stop.signal.aborted) return null;
        throw error;
      })
      .then((answer) => {
        if (this.#writes.get(key) !== last) return;
        this.#writes.delete(key);
        if (answer !== null && this.#objects.get(key)?.metadata.uid === answer.metadata.uid) this.#set(plural, answer);
      });
    this.#writes.set(key, last);
  }

  #accept(plural: string, type: string, object: KubeObject): void {
    const { namespace, name, uid, resourceVersion } = object.metadata;
    const key = keyOf(plural, namespace, name);
    const known = this.#objects.get(key)?.metadata;
    if (type === 'DELETED') {
      if (known?.uid !== uid) return;
      this.#objects.delete(key);
      this.#tell();
      return;
    }
    const isOlder = known?.uid === uid && Number(known.resourceVersion) >= Number(resourceVersion);
    if (!isOlder && !this.#writes.has(key)) this.#set(plural, object);
  }

  #set(plural: string, object: KubeObject): void {
    this.#objects.set(keyOf(plural, object.metadata.namespace, object.metadata.name), object);
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /** @returns the version to watch from. */
  async #list({ plural, ...resource }: Resource): Promise<string> {
    const answer = await fetch(`${this.url}${pathOf({ plural, ...resource })}`);
    const list = (await answer.json()) as { items: KubeObject[]; metadata: { resourceVersion: string } };
    for (const item of list.items) this.#accept(plural, 'ADDED', item);
    return list.metadata.resourceVersion;
  }

  async #watch(resource: Resource, from: string): Promise<void> {
    const { signal } = this.#stop;
    for (let version = from; !signal.aborted; ) {
      try {
        const query = `watch=true&resourceVersion=${version}`;
        const answer = await fetch(`${this.url}${pathOf(resource)}?${query}`, { signal });
        for await (const line of lines(answer)) {
          const { type, object } = JSON.parse(line) as { type: string; object: KubeObject };
          if (type === 'ERROR') break;
          version = object.metadata.resourceVersion;
          this.#accept(resource.plural, type, object);
        }
      } catch {
        if (signal.aborted) return; // else: cut off, tried again
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

class ServerRefusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function* lines(answer: Response): AsyncGenerator<string> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    yield* parts.filter((part) => part !== '');
  }
}

function resourceOf(plural: string): Resource {
  const found = RESOURCES.find((one) => one.plural === plural);
  if (found === undefined) throw new Error(`no resource ${plural}`);
  return found;
}

function pathOf({ group, version, plural }: Resource, namespace?: string): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespace === undefined ? `${root}/${plural}` : `${root}/namespaces/${namespace}/${plural}`;
}

const keyOf = (plural: string, namespace: string | undefined, name: string) => `${plural}/${namespace ?? ''}/${name}`;
