import { pino } from 'pino';
import { expect, it } from 'vitest';
import { serveHealth } from './health.js';

const logger = pino({ level: 'silent' });

it('answers health checks, and nothing else', async () => {
  const port = await serveHealth(0, logger);

  expect(await (await fetch(`http://127.0.0.1:${port}/healthz`)).text()).toBe('ok\n');
  expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(404);
});

it('says which port is taken', async () => {
  const port = await serveHealth(0, logger);

  await expect(serveHealth(port, logger)).rejects.toMatchObject({ code: 'health_port_unusable', details: { port } });
});
