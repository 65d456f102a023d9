import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiServer, startApiServer } from './api-server.js';
import { runProbe } from './probe-runner.fixtures.js';
import { PROBES } from './probes.fixtures.js';

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
});
afterAll(() => server.stop());

it.each(PROBES)('$name', async (probe) => {
  expect(await runProbe(probe, { url: server.url, namespace: 'default', request: fetch })).toEqual([]);
});
