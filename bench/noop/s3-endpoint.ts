import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

/** An S3 to measure with. Signatures are not checked by the fake, but the client computes them. */
export interface S3Endpoint {
  readonly name: string;
  readonly endpoint: string;
  readonly bucket: string;
  stop(): Promise<void>;
}

/** The repository's own S3, in memory, as a process of its own. */
export async function startFakeEndpoint(): Promise<S3Endpoint> {
  process.env.AWS_ACCESS_KEY_ID ??= 'bench';
  process.env.AWS_SECRET_ACCESS_KEY ??= 'bench';
  const folder = dirname(createRequire(import.meta.url).resolve('@adctl/storage/s3/testing'));
  const server: ChildProcess = spawn(process.execPath, [join(folder, 'serve.js'), '--bucket', 'bench'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (server.stdout === null) throw new Error('the fake S3 has no output');
  const [endpoint] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
  return {
    name: 'in-memory fake of this repository (one Node process)',
    endpoint,
    bucket: 'bench',
    async stop() {
      server.kill('SIGTERM');
      await once(server, 'exit');
    },
  };
}
