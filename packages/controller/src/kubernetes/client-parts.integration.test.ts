import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const BUILT = new URL('../../dist/kubernetes/', import.meta.url).href;

/** Counts the modules of the Kubernetes client that are loaded with everything that leads pools. */
const COUNT = `
import { registerHooks } from 'node:module';
let parts = 0;
let models = 0;
registerHooks({
  load(url, context, next) {
    if (url.includes('/@kubernetes/client-node/')) parts += 1;
    if (url.includes('/client-node/dist/gen/models/')) models += 1;
    return next(url, context);
  },
});
await import('${BUILT}connection.js');
await import('${BUILT}start-pools.js');
console.log(JSON.stringify({ models, parts }));
`;

test('of the Kubernetes client no generated model is loaded', async () => {
  const options = { cwd: fileURLToPath(new URL('../..', import.meta.url)) };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', COUNT], options);
  const { models, parts } = JSON.parse(stdout) as { models: number; parts: number };

  expect(models).toBe(0);
  expect(parts).toBeGreaterThan(0);
});
