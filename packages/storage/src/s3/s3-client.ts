import { S3Client } from '@aws-sdk/client-s3';
import type { ResolvedS3Settings } from './settings.js';

/** The SDK prints warnings to the console unless it is given a logger; what matters reaches callers as errors. */
const ignore = () => undefined;
const SILENT = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

/**
 * The SDK's client: kept-alive connections, timeouts that throw, no retries of its own (`RetryLoop` has them), and
 * credentials from its default chain.
 */
export function createClient(settings: ResolvedS3Settings): S3Client {
  const { region, endpoint, forcePathStyle, checksums, maxSockets, connectionTimeoutMs, requestTimeoutMs } = settings;
  const mode = checksums === 'always' ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED';
  const agent = { keepAlive: true, maxSockets };
  const client = new S3Client({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    forcePathStyle,
    requestChecksumCalculation: mode,
    responseChecksumValidation: mode,
    maxAttempts: 1,
    cacheMiddleware: true, // composing it anew for every request was an eighth of a small put's CPU
    logger: SILENT,
    requestHandler: {
      httpAgent: agent,
      httpsAgent: agent,
      connectionTimeout: connectionTimeoutMs,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
      socketTimeout: requestTimeoutMs,
      logger: SILENT,
    },
  });
  // It hides secrets from a log that nobody reads: a twentieth of a small put's CPU.
  client.middlewareStack.remove('loggerMiddleware');
  return client;
}
