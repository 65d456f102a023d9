import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProbe } from './probe-runner.fixtures.js';
import { PROBES } from './probes.fixtures.js';
import { openRealServer, type RealServer, whyNoRealServer } from './real-server.fixtures.js';

const missing = whyNoRealServer(process.env);
if (missing !== undefined)
  process.stderr.write(`The probes of the API server ran against the fake alone: ${missing}.\n`);

describe.skipIf(missing !== undefined)('a real API server', () => {
  let server: RealServer;
  beforeAll(async () => {
    server = await openRealServer(process.env);
  });
  afterAll(() => server.stop());

  it.each(PROBES)('$name', async (probe) => {
    expect(await runProbe(probe, server.target)).toEqual([]);
  });
});
