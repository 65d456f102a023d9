import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeObjectStore } from '../contracts/index.js';
import { createFilesystemStore } from './filesystem-store.js';

describeObjectStore({
  name: 'filesystem',
  async create() {
    const root = await mkdtemp(join(tmpdir(), 'adctl-store-'));
    return {
      store: createFilesystemStore(join(root, 'objects')),
      close: () => rm(root, { recursive: true, force: true }),
    };
  },
  capabilities: { leastPartBytes: 1, pageSize: 60, objectsBelowObjects: false },
});
