import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlane, openControlPlane, whyNoServer } from './control-plane.js';
import { runProbe } from './probe-runner.fixtures.js';
import { PROBES } from './probes.fixtures.js';

const missing = whyNoServer(process.env);
if (missing !== undefined)
  process.stderr.write(`The probes of the API server ran against the fake alone: ${missing}.\n`);

describe.skipIf(missing !== undefined)('a real API server', () => {
  let server: ControlPlane;
  let namespace: string;
  beforeAll(async () => {
    server = await openControlPlane(process.env);
    namespace = `adctl-probes-${randomBytes(3).toString('hex')}`;
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(`${server.adminUrl}/api/v1/namespaces`, { method: 'POST', headers, body });
    if (!answer.ok) throw new Error(await answer.text());
  });
  afterAll(async () => {
    await fetch(`${server.adminUrl}/api/v1/namespaces/${namespace}`, { method: 'DELETE' });
    await server.stop();
  });

  it.for(PROBES)('$name', async (probe, { skip }) => {
    skip(server.minor < (probe.since ?? 0), `Kubernetes 1.${server.minor} is older than 1.${probe.since}`);
    expect(await runProbe(probe, { url: server.adminUrl, namespace, request: fetch })).toEqual([]);
  });
});
