import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeObjectStore } from '../contracts/index.js';
import { type Moto, prepareMoto, startMoto } from './moto.fixtures.js';
import { openS3Store } from './open-store.js';
import { useCredentials } from './s3.fixtures.js';
import { createS3Store } from './s3-store.js';
import type { S3Settings } from './settings.js';

/** A second opinion on what S3 does, from people who did not write our fake. */
const prepared = await prepareMoto();

if ('reason' in prepared) {
  process.stderr.write(`skipped: the object store contract on moto, because ${prepared.reason}\n`);
  it.skip(`moto: ${prepared.reason}`, () => undefined);
} else {
  describe('moto', () => {
    let moto: Moto;
    useCredentials();
    beforeAll(async () => {
      moto = await startMoto(prepared.python);
    });
    afterAll(() => moto.stop());

    const create = async (settings: Partial<S3Settings>) => {
      const bucket = `objects-${randomUUID()}`;
      await moto.createBucket(bucket);
      const store = createS3Store({ bucket, endpoint: moto.endpoint, pageSize: 60, ...settings });
      return { store, close: async () => store.close() };
    };
    const capabilities = { leastPartBytes: 5 * 1024 * 1024, pageSize: 60, objectsBelowObjects: true };

    describeObjectStore({ name: 'moto, with a prefix', create: () => create({ prefix: 'team/adctl' }), capabilities });
    describeObjectStore({ name: 'moto, with checksums', create: () => create({ checksums: 'always' }), capabilities });

    it('passes the probe', async () => {
      const bucket = `objects-${randomUUID()}`;
      await moto.createBucket(bucket);
      const opened = await openS3Store({ bucket, endpoint: moto.endpoint });
      opened.close();

      expect(opened.mode).toBe('full');
    });
  });
}
