import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { describeObjectStore } from '../contracts/index.js';
import { probeS3 } from './probe.js';
import { createS3Store } from './s3-store.js';
import type { S3Settings } from './settings.js';

/**
 * The contract on a store of your own. `ADCTL_TEST_S3_ENDPOINT`: its address, or `aws`; `ADCTL_TEST_S3_BUCKET`: a bucket
 * that exists (default `adctl-test`); `ADCTL_TEST_S3_REGION`. Credentials as ever by the SDK's chain. Every test works
 * below a prefix of its own and empties it.
 */
const {
  ADCTL_TEST_S3_ENDPOINT: endpoint,
  ADCTL_TEST_S3_BUCKET: bucket = 'adctl-test',
  ADCTL_TEST_S3_REGION: region,
} = process.env;

function createStore() {
  const place: S3Settings = { bucket, region, endpoint: endpoint === 'aws' ? undefined : endpoint };
  return createS3Store({ ...place, prefix: `contract/${randomUUID()}`, pageSize: 60, retry: { deadlineMs: 60_000 } });
}

if (endpoint === undefined || endpoint === '') {
  process.stderr.write(
    'skipped: the object store contract on an endpoint of yours, because ADCTL_TEST_S3_ENDPOINT is unset\n',
  );
  it.skip('an endpoint of yours: ADCTL_TEST_S3_ENDPOINT is unset', () => undefined);
} else {
  describeObjectStore({
    name: endpoint,
    async create() {
      const store = createStore();
      const close = async () => {
        for await (const { key } of store.list('')) await store.delete(key);
        store.close();
      };
      return { store, close };
    },
    capabilities: { leastPartBytes: 5 * 1024 * 1024, pageSize: 60, objectsBelowObjects: true },
  });

  describe('the probe', () => {
    it('finds everything', async () => {
      const store = createStore();
      const capabilities = await probeS3(store);
      store.close();

      expect(Object.values(capabilities)).toEqual(Object.values(capabilities).map(() => true));
    });
  });
}
