import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { connectEmbedded, openEmbedded } from './index.js';

it('smoke', async () => {
  const local = openEmbedded({ directory: mkdtempSync(join(tmpdir(), 'm-')) });
  const m = await connectEmbedded(await local.listen());
  const waiting = m.queue.next({ class: 'cpu', waitMs: 5000 });
  const assignment = { version: 1, sweep: 's-1', trial: 't1', generation: 0, specKey: 'k' } as never;
  console.log(await m.queue.publish({ class: 'cpu', priority: 'normal', messageId: 'a', assignment }));
  const d = await waiting;
  console.log(d, await m.queue.contents());
  await d?.ack();
  const b = m.state.bucket('trial');
  const r = await b.create('a.b', { x: 1 });
  console.log(
    r,
    await b.create('a.b', 2),
    await b.update('a.b', 3, r ?? 0),
    await b.entries('a'),
    await b.delete('a.b'),
  );
  await m.events.append('result.a', 1);
  for await (const e of m.events.read('result.>')) console.log(e);
  const t0 = performance.now();
  await Promise.all(Array.from({ length: 5000 }, (_, i) => b.put(`k.${i}`, { i })));
  console.log('puts/s', 5000 / ((performance.now() - t0) / 1000));
  const t1 = performance.now();
  for (let i = 0; i < 1000; i++) await b.put(`k.${i}`, { i });
  console.log('sequential ms', (performance.now() - t1) / 1000);
  const t2 = performance.now();
  console.log((await b.entries()).length, performance.now() - t2);
  await m.control.serve('x.y', async (p, c) => [p, c]);
  expect(await m.control.request('x.y', 1)).toEqual([1, expect.any(String)]);
  const hang = m.queue.next({ class: 'z', waitMs: 50000 });
  await m.queue.contents();
  hang.catch((e) => console.log(e.code));
  await local.close();
  await expect(hang).rejects.toMatchObject({ code: 'controller_unreachable' });
  expect(m.closed.aborted).toBe(true);
});
