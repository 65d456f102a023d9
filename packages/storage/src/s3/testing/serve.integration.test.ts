import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { useCredentials } from '../s3.fixtures.js';
import { createS3Store } from '../s3-store.js';

useCredentials();

const BUILT = new URL('../../../dist/s3/testing/serve.js', import.meta.url).pathname;

it('serves the fake as a process, refusing a share, until it is told to end', async () => {
  const server = spawn(process.execPath, [BUILT, '--refuse', '0.3'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [endpoint] = await once(createInterface({ input: server.stdout }), 'line');
  const store = createS3Store({ bucket: 'adctl', endpoint: String(endpoint), retry: { firstDelayMs: 5 } });

  const keys = Array.from({ length: 50 }, (_, index) => `k/${String(index).padStart(2, '0')}`);
  await Promise.all(keys.map((key) => store.put(key, Buffer.from(key), { ifAbsent: true })));
  const listed: string[] = [];
  for await (const { key } of store.list('k/')) listed.push(key);
  store.close();
  server.kill('SIGTERM');

  expect(await once(server, 'exit')).toEqual([0, null]);
  expect(listed).toEqual(keys);
});
