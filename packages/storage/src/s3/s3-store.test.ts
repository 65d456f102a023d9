import { describeObjectStore, type ObjectStoreHarness } from '../contracts/index.js';
import { useCredentials } from './s3.fixtures.js';
import { createS3Store } from './s3-store.js';
import type { S3Settings } from './settings.js';
import { createSingleWriterStore } from './single-writer.js';
import { type FakeS3Options, startFakeS3 } from './testing/index.js';

useCredentials();

const capabilities: ObjectStoreHarness['capabilities'] = {
  leastPartBytes: 5 * 1024 * 1024,
  pageSize: 60,
  objectsBelowObjects: true,
};

async function create(fakeOptions: FakeS3Options, settings: Partial<S3Settings>) {
  const fake = await startFakeS3({ buckets: ['objects'], ...fakeOptions });
  const store = createS3Store({ bucket: 'objects', endpoint: fake.endpoint, pageSize: 60, ...settings });
  const close = async () => {
    store.close();
    await fake.close();
  };
  return { store, close };
}

describeObjectStore({
  name: 'S3, with a prefix, as other vendors take it',
  create: () => create({}, { prefix: 'team/adctl' }),
  capabilities,
});

describeObjectStore({
  name: 'S3, whole bucket, with checksums as AWS takes them',
  create: () => create({ behaviour: { partsPageSize: 2 } }, { checksums: 'always' }),
  capabilities,
});

describeObjectStore({
  name: 'S3 that looks at no condition and no key of an upload, in degraded mode',
  async create() {
    const { store, close } = await create(
      { behaviour: { conditionalPut: 'ignored', conditionalComplete: 'ignored', checksUploadKey: false } },
      { prefix: 'p' },
    );
    return { store: createSingleWriterStore(store), close };
  },
  capabilities,
});
