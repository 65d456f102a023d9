import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { userError } from '@adctl/protocol';
import type { Logger } from 'pino';

/**
 * Answers `GET /healthz` with 200 for as long as this process's event loop turns; trainings run in other processes and
 * cannot hold it up. The server keeps no process alive.
 *
 * @param port 0: any free one
 * @returns the port
 * @throws AdctlError user `health_port_unusable`.
 */
export function serveHealth(port: number, logger: Logger): Promise<number> {
  const server = createServer((request, response) => {
    const found = request.url === '/healthz';
    response.writeHead(found ? 200 : 404, { 'Content-Type': 'text/plain' }).end(found ? 'ok\n' : 'not found\n');
  });
  server.unref();
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        userError('health_port_unusable', `cannot answer health checks on port ${port}`, {
          hint: 'Set ADCTL_HEALTH_PORT to a free port above 1023, or leave it unset.',
          details: { port },
          cause,
        }),
      );
    });
    server.listen(port, () => {
      const { port: bound } = server.address() as AddressInfo;
      logger.debug({ port: bound }, 'answers health checks');
      resolve(bound);
    });
  });
}
