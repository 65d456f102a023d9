import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, freePorts } from '../free-port.js';

/** A real API server, and a door to it for the test itself. */
export interface ControlPlane {
  /** Plain HTTP with every right, by `kubectl proxy`. */
  readonly adminUrl: string;
  /** Minor version, e.g. 31. */
  readonly minor: number;
  stop(): Promise<void>;
}

/** A control plane of this test alone. */
export interface OwnControlPlane extends ControlPlane {
  /** HTTPS with a certificate nobody knows; who asks shows a token. */
  readonly url: string;
}

export interface ControlPlaneOptions {
  /** Folder with `etcd`, `kube-apiserver` and `kubectl`, perhaps `kube-controller-manager`. */
  readonly assets: string;
  /** Users by their tokens; what they may do is up to RBAC. */
  readonly tokens?: Readonly<Record<string, string>>;
}

const START_TIMEOUT_MS = 60_000;

/** Why there is no real API server to test against; undefined when one is named. */
export function whyNoServer(env: NodeJS.ProcessEnv): string | undefined {
  if (env.KUBEBUILDER_ASSETS || env.USE_EXISTING_CLUSTER === 'true') return undefined;
  return 'neither KUBEBUILDER_ASSETS (a folder with etcd, kube-apiserver, kubectl) nor USE_EXISTING_CLUSTER=true is set';
}

/** Why Jobs cannot be run by a real control plane; undefined when they can. */
export function whyNoJobs({ KUBEBUILDER_ASSETS: assets, ...env }: NodeJS.ProcessEnv): string | undefined {
  if (assets && existsSync(join(assets, 'kube-controller-manager'))) return undefined;
  if (!assets && env.USE_EXISTING_CLUSTER === 'true') {
    return 'nodes of an existing cluster would need an image of this very tree, and run no processes of this machine';
  }
  return 'KUBEBUILDER_ASSETS names no folder with kube-controller-manager beside etcd, kube-apiserver and kubectl';
}

/** Minor version of the control plane in `KUBEBUILDER_ASSETS`. */
export function minorOfAssets({ KUBEBUILDER_ASSETS: assets = '' }: NodeJS.ProcessEnv): number {
  const said = execFileSync(join(assets, 'kube-apiserver'), ['--version'], { encoding: 'utf8' });
  return minorIn(said);
}

/** Starts etcd and kube-apiserver from `KUBEBUILDER_ASSETS`, or takes the kubeconfig's cluster. */
export async function openControlPlane(env: NodeJS.ProcessEnv): Promise<ControlPlane> {
  const { KUBEBUILDER_ASSETS: assets } = env;
  if (assets) return startControlPlane({ assets });
  const processes = new Processes();
  return processes.orStop(async () => {
    const adminUrl = await proxyUrl(processes.start('kubectl', proxyArguments([])));
    return { adminUrl, minor: await minorOf(adminUrl), stop: () => processes.stop() };
  });
}

/** Starts a control plane without nodes; the controllers of Jobs and of owners run where the folder has them. */
export async function startControlPlane({ assets, tokens = {} }: ControlPlaneOptions): Promise<OwnControlPlane> {
  const folder = await mkdtemp(join(tmpdir(), 'adctl-control-plane-'));
  const processes = new Processes(folder);
  const start = (name: string, args: readonly string[]) => processes.start(join(assets, name), args);
  return processes.orStop(async () => {
    const [client, peer, secure] = await freePorts(3);
    const token = randomBytes(16).toString('hex');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = join(folder, 'service-account.key');
    const users = Object.entries(tokens).map(([secret, user]) => `${secret},${user},${user}\n`);
    await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    await writeFile(join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n${users.join('')}`, {
      mode: 0o600,
    });
    const etcd = `http://127.0.0.1:${client}`;
    const peers = `http://127.0.0.1:${peer}`;
    const url = `https://127.0.0.1:${secure}`;
    start('etcd', [
      ...[`--data-dir=${join(folder, 'etcd')}`, `--listen-client-urls=${etcd}`, `--advertise-client-urls=${etcd}`],
      ...[
        `--listen-peer-urls=${peers}`,
        `--initial-advertise-peer-urls=${peers}`,
        `--initial-cluster=default=${peers}`,
      ],
    ]);
    start('kube-apiserver', [
      ...[`--etcd-servers=${etcd}`, '--bind-address=127.0.0.1', `--secure-port=${secure}`],
      ...[`--cert-dir=${join(folder, 'certificates')}`, `--token-auth-file=${join(folder, 'tokens.csv')}`],
      ...[`--service-account-key-file=${key}`, `--service-account-signing-key-file=${key}`],
      ...['--service-account-issuer=https://localhost', '--service-cluster-ip-range=10.0.0.0/24'],
      // Nobody makes service accounts here, and nobody would take the taint off a new node.
      ...['--authorization-mode=RBAC', '--disable-admission-plugins=ServiceAccount,TaintNodesByCondition'],
    ]);
    const login = [`--server=${url}`, `--token=${token}`, '--insecure-skip-tls-verify'];
    const adminUrl = await proxyUrl(start('kubectl', proxyArguments(login)));
    await answering(`${adminUrl}/readyz`);
    if (existsSync(join(assets, 'kube-controller-manager'))) {
      const kubeconfig = join(folder, 'kubeconfig');
      await writeFile(kubeconfig, JSON.stringify(kubeconfigFor(url, token)), { mode: 0o600 });
      start('kube-controller-manager', [
        ...[`--kubeconfig=${kubeconfig}`, '--controllers=job,garbagecollector,namespace', '--leader-elect=false'],
        ...['--bind-address=127.0.0.1', `--secure-port=${await freePort()}`, `--cert-dir=${join(folder, 'manager')}`],
      ]);
    }
    return { adminUrl, url, minor: await minorOf(adminUrl), stop: () => processes.stop() };
  });
}

/** A kubeconfig for a server whose certificate is not checked. */
export function kubeconfigFor(server: string, token: string): unknown {
  return {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'test' },
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: 'default' } }],
  };
}

/** Child processes that end together, and a folder that goes with them. */
class Processes {
  readonly #children: ChildProcess[] = [];

  constructor(private readonly folder?: string) {}

  start(path: string, args: readonly string[]): ChildProcess {
    const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream?.resume(); // a full pipe would stop it
    this.#children.push(child);
    return child;
  }

  async orStop<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const child of this.#children.reverse()) child.kill('SIGKILL');
    if (this.folder !== undefined) await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

const proxyArguments = (login: readonly string[]) => ['proxy', '--port=0', '--reject-methods=^$', ...login];

function proxyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.once('error', reject);
    child.once('close', () => reject(new Error(`kubectl proxy ended: ${said}`)));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        const address = /Starting to serve on (127\.0\.0\.1:\d+)/.exec(said)?.[1];
        if (address !== undefined) resolve(`http://${address}`);
      });
    }
  });
}

async function answering(url: string): Promise<void> {
  const endMs = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const answer = await fetch(url).catch(() => null); // not there yet
    if (answer?.ok) return;
    if (Date.now() > endMs) throw new Error(`${url} does not answer`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function minorOf(url: string): Promise<number> {
  const { gitVersion } = (await (await fetch(`${url}/version`)).json()) as { gitVersion: string };
  return minorIn(gitVersion);
}

/** `v1.31.2-eks-7f9249a`: 31. @throws Error for what is no version. */
function minorIn(text: string): number {
  const minor = Number(/v1\.(\d+)/.exec(text)?.[1]);
  if (Number.isNaN(minor)) throw new Error(`not a version of Kubernetes: ${text}`);
  return minor;
}
