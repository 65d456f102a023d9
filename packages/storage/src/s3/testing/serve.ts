import { parseArgs } from 'node:util';
import { startFakeS3 } from './fake-s3.js';
import { slowDown } from './fault-plans.js';

/**
 * The fake as a process, for rehearsals on one machine: `node serve.js [--port N] [--bucket NAME] [--refuse SHARE]`.
 * Prints its address as the first line. Holds everything in memory, and forgets it when it ends.
 */
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    bucket: { type: 'string', default: 'adctl' },
    refuse: { type: 'string', default: '0' },
  },
});
const share = Number(values.refuse);
const port = Number(values.port);
if (!(share >= 0 && share < 1)) throw new RangeError(`--refuse ${values.refuse} is not within 0 to 1`);
const fake = await startFakeS3({ port, buckets: [values.bucket], keepRequests: false });
if (share > 0) fake.setFaults(slowDown(share, Math.random));
process.stdout.write(`${fake.endpoint}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void fake.close());
