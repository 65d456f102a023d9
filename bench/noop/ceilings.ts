import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connectNats } from '@adctl/messaging/nats';
import type { Size } from './deployments.ts';

const PUT_OBJECTS = fileURLToPath(new URL('put-objects.ts', import.meta.url));
const run = promisify(execFile);

/** Objects a second that as many processes as there are workers put, with as many in flight as there are slots. */
export async function measurePuts(
  { endpoint, bucket }: { readonly endpoint: string; readonly bucket: string },
  { workers, slots }: Size,
  { count, bytes }: { readonly count: number; readonly bytes: number },
): Promise<number> {
  const each = Math.ceil(count / workers);
  const spans = await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      const name = `${process.pid}-${worker}`;
      const args = [PUT_OBJECTS, endpoint, bucket, name, String(each), String(bytes), String(slots)];
      const { stdout } = await run(process.execPath, args);
      return JSON.parse(stdout) as { begin: number; end: number };
    }),
  );
  const begin = Math.min(...spans.map((span) => span.begin));
  const end = Math.max(...spans.map((span) => span.end));
  return (each * workers * 1000) / (end - begin);
}

/** Messages a second that one process has stored in JetStream, each acknowledged, many in flight. */
export async function measurePublishes(url: string, count: number): Promise<number> {
  const messaging = await connectNats({ servers: [url], role: 'controller', identity: 'bench-ceiling' });
  const data = { version: 1, type: 'release', text: 'x'.repeat(200) };
  const events = Array.from({ length: count }, (_, i) => ({ subject: `release.ceiling.t${i}.0.1`, data }));
  try {
    await messaging.events.appendAll(events.slice(0, 500)); // compiled code
    const begin = performance.now();
    await messaging.events.appendAll(events);
    return (count * 1000) / (performance.now() - begin);
  } finally {
    await messaging.events.purge('release.ceiling.>');
    await messaging.close();
  }
}
