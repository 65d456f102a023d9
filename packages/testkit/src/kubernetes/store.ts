import { randomUUID } from 'node:crypto';
import { alreadyExists, conflict, expired, notFound } from './failures.js';
import { type KubeObject, kubeTime } from './objects.js';

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** One change, with the object before it. */
export interface Change {
  readonly version: number;
  readonly plural: string;
  readonly type: ChangeType;
  readonly object: KubeObject;
  readonly previous: KubeObject | undefined;
}

/** An object before the store has given it its identity. */
export type NewObject = Pick<KubeObject, 'apiVersion' | 'kind' | 'spec' | 'status'> & {
  readonly metadata: Partial<KubeObject['metadata']>;
  readonly [field: string]: unknown;
};

/** What the stand-ins for scheduler and kubelet need of a cluster's objects. */
export type ClusterState = Pick<Store, 'list' | 'find' | 'get' | 'update' | 'remove'>;

/**
 * The fake's etcd: objects with versions, a history that watches read, and owners whose deletion takes their dependants
 * along. Objects that go in and come out are copies.
 */
export class Store {
  readonly #objects = new Map<string, KubeObject>();
  readonly #listeners = new Set<(change: Change) => void>();
  #history: Change[] = [];
  #compacted = 0;
  #version = 1000;

  constructor(private readonly now: () => number) {}

  get version(): number {
    return this.#version;
  }

  create(plural: string, object: NewObject): KubeObject {
    const name = object.metadata.name ?? '';
    const key = keyOf(plural, object.metadata.namespace, name);
    if (this.#objects.has(key)) throw alreadyExists(plural, name);
    const metadata = {
      ...object.metadata,
      name,
      uid: randomUUID(),
      creationTimestamp: kubeTime(this.now()),
      ...(object.spec === undefined ? {} : { generation: 1 }),
      resourceVersion: '',
    };
    return this.#commit('ADDED', plural, key, {
      ...object,
      apiVersion: object.apiVersion,
      kind: object.kind,
      metadata,
    });
  }

  get(plural: string, namespace: string | undefined, name: string): KubeObject {
    const object = this.#objects.get(keyOf(plural, namespace, name));
    if (object === undefined) throw notFound(plural, name);
    return structuredClone(object);
  }

  find(plural: string, namespace: string | undefined, name: string): KubeObject | undefined {
    const object = this.#objects.get(keyOf(plural, namespace, name));
    return object === undefined ? undefined : structuredClone(object);
  }

  /** Objects of a collection by name; of all namespaces when none is given. */
  list(plural: string, namespace?: string): KubeObject[] {
    const start = namespace === undefined ? `${plural}/` : keyOf(plural, namespace, '');
    return [...this.#objects]
      .filter(([key]) => key.startsWith(start))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => structuredClone(object));
  }

  /**
   * Replaces an object. One whose last finalizer goes while it is being deleted is removed; one that does not change keeps
   * its version.
   */
  update(plural: string, object: KubeObject, options: { readonly checkVersion?: boolean } = {}): KubeObject {
    const { namespace, name, resourceVersion } = object.metadata;
    const key = keyOf(plural, namespace, name);
    const before = this.#objects.get(key);
    if (before === undefined) throw notFound(plural, name);
    if (options.checkVersion && resourceVersion && resourceVersion !== before.metadata.resourceVersion) {
      throw conflict(plural, name, 'the object has been modified; please apply your changes to the latest version');
    }
    const changedSpec = JSON.stringify(object.spec) !== JSON.stringify(before.spec);
    const next: KubeObject = {
      ...object,
      metadata: {
        ...object.metadata,
        ...{ uid: before.metadata.uid, creationTimestamp: before.metadata.creationTimestamp },
        resourceVersion: before.metadata.resourceVersion,
        ...(before.metadata.generation === undefined
          ? {}
          : { generation: before.metadata.generation + (changedSpec ? 1 : 0) }),
      },
    };
    if (isSame(next, before)) return structuredClone(before);
    if (next.metadata.deletionTimestamp !== undefined && isFree(next) && plural !== 'pods') {
      return this.remove(plural, namespace, name);
    }
    return this.#commit('MODIFIED', plural, key, next);
  }

  /** Takes an object out; its dependants follow. */
  remove(plural: string, namespace: string | undefined, name: string): KubeObject {
    const key = keyOf(plural, namespace, name);
    const before = this.#objects.get(key);
    if (before === undefined) throw notFound(plural, name);
    this.#objects.delete(key);
    const gone = this.#commit('DELETED', plural, key, before);
    for (const { plural: kind, object } of this.#dependants(before.metadata.uid)) this.delete(kind, object);
    return gone;
  }

  /** Begins a deletion: at once, or marked until finalizers (and for pods on a node, the kubelet) let go. */
  delete(plural: string, { metadata }: KubeObject, graceSeconds?: number): KubeObject {
    const { namespace, name } = metadata;
    const object = this.get(plural, namespace, name);
    const onNode = plural === 'pods' && object.spec?.nodeName !== undefined;
    const wanted = object.spec?.terminationGracePeriodSeconds;
    const grace = onNode ? (graceSeconds ?? (typeof wanted === 'number' ? wanted : 30)) : 0;
    if (isFree(object) && grace === 0) return this.remove(plural, namespace, name);
    if (object.metadata.deletionTimestamp !== undefined) return object;
    object.metadata.deletionTimestamp = kubeTime(this.now() + grace * 1000);
    object.metadata.deletionGracePeriodSeconds = grace;
    return this.#commit('MODIFIED', plural, keyOf(plural, namespace, name), object);
  }

  /** Changes after a version. @throws 410 when the history does not reach so far back. */
  since(version: number): Change[] {
    if (version < this.#compacted) throw expired(`too old resource version: ${version} (${this.#compacted})`);
    return this.#history.filter((change) => change.version > version);
  }

  /** Forgets history: watches and pages from earlier versions are expired. */
  compact(): void {
    this.#history = [];
    this.#version += 1;
    this.#compacted = this.#version;
  }

  isCompacted(version: number): boolean {
    return version < this.#compacted;
  }

  /** @returns the function that stops it. */
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #dependants(uid: string): { plural: string; object: KubeObject }[] {
    return [...this.#objects]
      .filter(([, { metadata }]) => metadata.ownerReferences?.some((owner) => owner.uid === uid))
      .map(([key, object]) => ({ plural: key.slice(0, key.indexOf('/')), object }));
  }

  #commit(type: ChangeType, plural: string, key: string, object: KubeObject): KubeObject {
    this.#version += 1;
    const previous = type === 'DELETED' ? object : this.#objects.get(key);
    const stored = structuredClone(object);
    stored.metadata.resourceVersion = String(this.#version);
    if (type !== 'DELETED') this.#objects.set(key, stored);
    const change: Change = { version: this.#version, plural, type, object: stored, previous };
    this.#history.push(change);
    for (const listener of this.#listeners) listener(change);
    return structuredClone(stored);
  }
}

function keyOf(plural: string, namespace: string | undefined, name: string): string {
  return `${plural}/${namespace ?? ''}/${name}`;
}

const isFree = ({ metadata }: KubeObject) => (metadata.finalizers ?? []).length === 0;
const isSame = (a: KubeObject, b: KubeObject) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]));
}
