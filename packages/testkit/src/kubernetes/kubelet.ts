import { type ChildProcess, spawn } from 'node:child_process';
import {
  asPod,
  type Container,
  type ContainerStatus,
  type Fields,
  isRecord,
  type Pod,
  type PodStatus,
  setCondition,
} from './objects.js';
import type { ClusterState } from './store.js';

export interface KubeletOptions {
  readonly store: ClusterState;
  readonly node: string;
  /** How long a second of Kubernetes lasts here. */
  readonly secondMs: number;
  /** Whether an image can be had. */
  readonly pullable: (image: string) => boolean;
  /**
   * Stands for what a container has of its own and a process here has not: file system and network. Overrides the variables
   * of the pod.
   */
  readonly environment: (pod: Pod) => Readonly<Record<string, string>>;
}

interface Running {
  readonly child: ChildProcess;
  readonly name: string;
  readonly namespace: string;
  log: string;
  /** Set when the kernel's killer took it. */
  outOfMemory: boolean;
}

const LONGEST_LOG = 200_000;

/**
 * A stand-in for the kubelet of one node: starts the real process of each pod placed there, from the pod's own command and
 * variables, with SIGTERM and then SIGKILL when the pod must go, and reports what became of it.
 */
export class Kubelet {
  readonly #running = new Map<string, Running>();
  readonly #logs = new Map<string, string>();
  readonly #terminating = new Set<string>();
  /** A node that does not answer: reports nothing and hears of nothing. */
  #cutOff = false;

  constructor(private readonly options: KubeletOptions) {}

  get cutOff(): boolean {
    return this.#cutOff;
  }

  /** Process ids of the containers, by pod. */
  pids(): ReadonlyMap<string, number> {
    return new Map([...this.#running.values()].flatMap(({ name, child }) => (child.pid ? [[name, child.pid]] : [])));
  }

  /** What the pod's container has written to stdout and stderr. */
  log(pod: string): string {
    const living = [...this.#running.values()].find(({ name }) => name === pod);
    return living?.log ?? this.#logs.get(pod) ?? '';
  }

  /** Brings the node's processes in line with its pods. */
  sync(): void {
    if (this.#cutOff) return;
    const { store, node } = this.options;
    const pods = store
      .list('pods')
      .map(asPod)
      .filter(({ spec }) => spec.nodeName === node);
    for (const pod of pods) {
      if (pod.metadata.deletionTimestamp !== undefined) this.#terminate(pod);
      else if (pod.status.phase === 'Pending' && !this.#running.has(pod.metadata.uid)) this.#start(pod);
    }
    const known = new Set(pods.map(({ metadata }) => metadata.uid));
    for (const [uid, { child }] of this.#running) if (!known.has(uid)) child.kill('SIGKILL'); // deleted by force
  }

  /** The kernel kills the pod's process for its memory. */
  killForMemory(pod: string): void {
    for (const running of this.#running.values()) {
      if (running.name !== pod) continue;
      running.outOfMemory = true;
      running.child.kill('SIGKILL');
    }
  }

  /** The node dies, or is only cut off and its processes go on. */
  fail(processes: 'die' | 'go-on'): void {
    this.#cutOff = true;
    if (processes === 'die') this.killAll();
  }

  killAll(): void {
    for (const { child } of this.#running.values()) child.kill('SIGKILL');
  }

  /** Resolves once no process is left. */
  async settled(): Promise<void> {
    const ended = (child: ChildProcess) =>
      new Promise<void>((resolve) =>
        (child.exitCode ?? child.signalCode) === null ? child.once('close', () => resolve()) : resolve(),
      );
    await Promise.all([...this.#running.values()].map(({ child }) => ended(child)));
  }

  #start(pod: Pod): void {
    const [container] = pod.spec.containers;
    if (container === undefined) return;
    const wait = (reason: string, message: string) =>
      this.#report(pod, { phase: 'Pending' }, container, { waiting: { reason, message } }, false);
    if (!this.options.pullable(container.image)) {
      wait('ImagePullBackOff', `Back-off pulling image "${container.image}"`);
      return;
    }
    const environment = this.#environmentOf(pod, container);
    if (typeof environment === 'string') {
      wait('CreateContainerConfigError', environment);
      return;
    }
    const [command = '', ...words] = [...(container.command ?? []), ...(container.args ?? [])];
    const child = spawn(command, words, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    const { uid, name, namespace = 'default' } = pod.metadata;
    const running: Running = { child, name, namespace, log: '', outOfMemory: false };
    this.#running.set(uid, running);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        running.log = (running.log + text).slice(-LONGEST_LOG);
      });
    }
    child.once('error', (error) => {
      running.log += String(error);
    });
    child.once('close', (code, signal) => this.#ended(uid, container, code, signal));
    this.#report(pod, { phase: 'Running' }, container, { running: { startedAt: new Date().toISOString() } }, true);
  }

  #terminate(pod: Pod): void {
    const { uid, name, namespace, deletionGracePeriodSeconds = 30 } = pod.metadata;
    const running = this.#running.get(uid);
    if (running === undefined) {
      this.options.store.remove('pods', namespace, name);
      return;
    }
    if (this.#terminating.has(uid)) return;
    this.#terminating.add(uid);
    running.child.kill('SIGTERM');
    const kill = setTimeout(() => running.child.kill('SIGKILL'), deletionGracePeriodSeconds * this.options.secondMs);
    running.child.once('close', () => clearTimeout(kill));
  }

  #ended(uid: string, container: Container, code: number | null, signal: NodeJS.Signals | null): void {
    const running = this.#running.get(uid);
    if (running === undefined) return;
    this.#running.delete(uid);
    this.#logs.set(running.name, running.log);
    const { store } = this.options;
    const found = store.find('pods', running.namespace, running.name);
    if (this.#cutOff || found === undefined || found.metadata.uid !== uid) return;
    const pod = asPod(found);
    const exitCode = code ?? 128 + (signal === 'SIGTERM' ? 15 : 9);
    const reason = running.outOfMemory ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error';
    const phase = exitCode === 0 ? 'Succeeded' : 'Failed';
    this.#report(pod, { phase }, container, { terminated: { exitCode, reason } }, false);
    if (pod.metadata.deletionTimestamp !== undefined) store.remove('pods', running.namespace, running.name);
  }

  #report(pod: Pod, status: PodStatus, { name, image }: Container, state: Fields, ready: boolean): void {
    const before = asPod(this.options.store.get('pods', pod.metadata.namespace, pod.metadata.name));
    const condition = { type: 'Ready', status: ready ? 'True' : 'False' } as const;
    const containerStatuses: ContainerStatus[] = [{ name, image, ready, restartCount: 0, state }];
    const conditions = setCondition(before.status.conditions, condition, Date.now());
    this.options.store.update('pods', {
      ...before,
      status: { ...before.status, ...status, conditions, containerStatuses },
    });
  }

  /** The container's variables, or what keeps them from being known. */
  #environmentOf(pod: Pod, container: Container): Record<string, string> | string {
    const environment: Record<string, string> = { PATH: process.env.PATH ?? '' };
    for (const { name, value, valueFrom } of container.env ?? []) {
      const found = valueFrom === undefined ? value : this.#lookUp(pod, valueFrom);
      if (found === undefined) return `the reference of variable ${name} leads nowhere`;
      if (found !== null) environment[name] = found;
    }
    return { ...environment, ...this.options.environment(pod) };
  }

  /** Null: optional and not there. Undefined: not there. */
  #lookUp(pod: Pod, from: NonNullable<NonNullable<Container['env']>[number]['valueFrom']>): string | null | undefined {
    const { store } = this.options;
    const { namespace, name } = pod.metadata;
    if (from.fieldRef !== undefined) {
      return { 'metadata.name': name, 'metadata.namespace': namespace, 'spec.nodeName': pod.spec.nodeName }[
        from.fieldRef.fieldPath
      ];
    }
    const reference = from.secretKeyRef ?? from.configMapKeyRef;
    if (reference === undefined) return undefined;
    const plural = from.secretKeyRef === undefined ? 'configmaps' : 'secrets';
    const data = store.find(plural, namespace, reference.name)?.data;
    const held = isRecord(data) ? data[reference.key] : undefined;
    if (typeof held !== 'string') return reference.optional === true ? null : undefined;
    return plural === 'secrets' ? Buffer.from(held, 'base64').toString('utf8') : held;
  }
}
