import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { metricsPortTaken } from '../errors.js';
import type { Health } from './health.js';

/**
 * Serves `/metrics` (Prometheus), `/healthz` (liveness) and `/readyz` (readiness) on all addresses.
 * @param port 0: the system chooses.
 * @throws AdctlError user `metrics_port_taken`.
 */
export async function serveMetrics(
  port: number,
  parts: { readonly registry: Registry; readonly health: Health },
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    answer(request.url ?? '/', response, parts).catch((error: unknown) => {
      response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(error instanceof Error ? error.message : String(error));
    });
  });
  const listening = Promise.withResolvers<void>();
  server.once('error', (error) => listening.reject(metricsPortTaken(port, error)));
  server.listen(port, () => listening.resolve());
  await listening.promise;
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  url: string,
  response: ServerResponse,
  { registry, health }: { readonly registry: Registry; readonly health: Health },
): Promise<void> {
  const [path] = url.split('?');
  if (path === '/metrics') {
    const text = await registry.metrics();
    response.writeHead(200, { 'content-type': registry.contentType });
    response.end(text);
    return;
  }
  const state = path === '/healthz' ? health.live() : path === '/readyz' ? health.ready() : undefined;
  const status = state === undefined ? 404 : state.ok ? 200 : 503;
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(state ?? { ok: false, paths: ['/metrics', '/healthz', '/readyz'] })}\n`);
}
