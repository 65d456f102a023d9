import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProbeTarget } from './probe-runner.fixtures.js';

/** A real API server behind `kubectl proxy`, which brings the credentials. */
export interface RealServer {
  readonly target: ProbeTarget;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;

/** Why there is no real server to probe; undefined when one is named. */
export function whyNoRealServer(env: NodeJS.ProcessEnv): string | undefined {
  if (env.KUBEBUILDER_ASSETS || env.USE_EXISTING_CLUSTER === 'true') return undefined;
  return 'neither KUBEBUILDER_ASSETS (a folder with etcd, kube-apiserver, kubectl) nor USE_EXISTING_CLUSTER=true is set';
}

/** Starts etcd and kube-apiserver from `KUBEBUILDER_ASSETS`, or takes the kubeconfig's cluster; in a namespace of its own. */
export async function openRealServer(env: NodeJS.ProcessEnv): Promise<RealServer> {
  const assets = env.KUBEBUILDER_ASSETS;
  const folder = await mkdtemp(join(tmpdir(), 'adctl-apiserver-'));
  const children: ChildProcess[] = [];
  const start = (name: string, args: readonly string[]) => {
    const child = spawn(assets ? join(assets, name) : name, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    return child;
  };
  const stop = async () => {
    for (const child of children.reverse()) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const login = assets ? await startControlPlane(folder, start) : [];
    const url = await proxyUrl(start('kubectl', ['proxy', '--port=0', '--reject-methods=^$', ...login]));
    await answering(`${url}/readyz`);
    const namespace = `adctl-probes-${randomBytes(3).toString('hex')}`;
    await post(`${url}/api/v1/namespaces`, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    return {
      target: { url, namespace, request: fetch },
      async stop() {
        await fetch(`${url}/api/v1/namespaces/${namespace}`, { method: 'DELETE' });
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** @returns arguments that let kubectl in. */
async function startControlPlane(
  folder: string,
  start: (name: string, args: readonly string[]) => ChildProcess,
): Promise<string[]> {
  const [client, peer, secure] = [await freePort(), await freePort(), await freePort()];
  const token = randomBytes(16).toString('hex');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = join(folder, 'service-account.key');
  await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await writeFile(join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n`, { mode: 0o600 });
  const etcd = `http://127.0.0.1:${client}`;
  const peers = `http://127.0.0.1:${peer}`;
  start('etcd', [
    ...[`--data-dir=${join(folder, 'etcd')}`, `--listen-client-urls=${etcd}`, `--advertise-client-urls=${etcd}`],
    ...[`--listen-peer-urls=${peers}`, `--initial-advertise-peer-urls=${peers}`, `--initial-cluster=default=${peers}`],
  ]);
  start('kube-apiserver', [
    ...[`--etcd-servers=${etcd}`, '--bind-address=127.0.0.1', `--secure-port=${secure}`],
    ...[`--cert-dir=${join(folder, 'certificates')}`, `--token-auth-file=${join(folder, 'tokens.csv')}`],
    ...[`--service-account-key-file=${key}`, `--service-account-signing-key-file=${key}`],
    ...['--service-account-issuer=https://localhost', '--service-cluster-ip-range=10.0.0.0/24'],
    ...['--authorization-mode=RBAC', '--disable-admission-plugins=ServiceAccount'],
  ]);
  return [`--server=https://127.0.0.1:${secure}`, `--token=${token}`, '--insecure-skip-tls-verify'];
}

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

async function post(url: string, body: unknown): Promise<void> {
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
