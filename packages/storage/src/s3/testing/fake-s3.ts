import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AWS, answerRequest, type FakeBehaviour, type OperationContext } from './operations.js';
import { type ErrorCode, element, errorAnswer, type S3Answer } from './s3-answer.js';
import { readRequest, type S3Request } from './s3-request.js';
import type { StoredState } from './stored-objects.js';

/** What goes wrong with one request. */
export type Fault =
  /** Refused with an error, nothing done. */
  | { readonly kind: 'refuse'; readonly code: ErrorCode }
  /** A proxy on the way answers instead of the store. */
  | { readonly kind: 'proxy'; readonly status: number; readonly body: string }
  /** The connection breaks before the request takes effect, or after it, so that only the answer is lost. */
  | { readonly kind: 'drop'; readonly moment: 'before' | 'after' }
  /** The connection breaks after that many bytes of the answer's body. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** The body is sent with its first byte changed. */
  | { readonly kind: 'garble' }
  /** Done after that time on the fake's clock. */
  | { readonly kind: 'delay'; readonly ms: number };

/** Looks at each request before it is done, and may spoil it. */
export type FaultPlan = (request: S3Request) => Fault | null;

export interface FakeS3Options {
  readonly buckets?: readonly string[];
  readonly behaviour?: Partial<FakeBehaviour>;
  /** Access key ids other than this one are refused; every secret is believed. Default: all are let in. */
  readonly accessKeyId?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** Whether `requests` grows. Default true; a long rehearsal has no use for it. */
  readonly keepRequests?: boolean;
  /** Default: the machine's clock. */
  readonly clock?: { now(): number; sleep(ms: number): Promise<void> };
}

export interface FakeS3 {
  /** `http://127.0.0.1:port`; path style only. */
  readonly endpoint: string;
  readonly state: StoredState;
  /** Requests so far, the spoiled ones included, oldest first. */
  readonly requests: readonly S3Request[];
  /** Replaces the faults; null ends them. */
  setFaults(plan: FaultPlan | null): void;
  /** Breaks all connections. A second call does nothing. */
  close(): Promise<void>;
}

const MACHINE_CLOCK = {
  now: () => Date.now(),
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
};

/**
 * An S3 in memory, over real HTTP: path style, conditional writes, uploads in parts, listings by pages, checksums, and
 * faults on demand. Requests are done one at a time, so conditions are atomic. Signatures are not checked.
 */
export async function startFakeS3(options: FakeS3Options = {}): Promise<FakeS3> {
  const clock = options.clock ?? MACHINE_CLOCK;
  const state: StoredState = { buckets: new Map(), uploads: new Map() };
  for (const bucket of options.buckets ?? []) state.buckets.set(bucket, new Map());
  const context: OperationContext = {
    state,
    behaviour: { ...AWS, ...options.behaviour },
    lateListings: new Map(),
    now: () => clock.now(),
  };
  const requests: S3Request[] = [];
  let faults: FaultPlan | null = null;

  async function handle(request: S3Request, response: ServerResponse): Promise<void> {
    if (options.keepRequests ?? true) requests.push(request);
    const keyId = /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '';
    if (options.accessKeyId !== undefined && keyId !== options.accessKeyId) {
      return send(response, request, errorAnswer('InvalidAccessKeyId', element('AWSAccessKeyId', keyId)));
    }
    const fault = faults?.(request) ?? null;
    if (fault?.kind === 'refuse') return send(response, request, errorAnswer(fault.code));
    if (fault?.kind === 'proxy') {
      return send(response, request, {
        status: fault.status,
        headers: { 'content-type': 'text/html' },
        body: fault.body,
      });
    }
    if (fault?.kind === 'delay') await clock.sleep(fault.ms);
    if (fault?.kind === 'drop' && fault.moment === 'before') return breakOff(response);
    const answer = answerRequest(context, request);
    if (fault?.kind === 'drop') return breakOff(response);
    if (fault?.kind === 'cut') return cut(response, answer, fault.afterBytes);
    send(response, request, fault?.kind === 'garble' ? garbled(answer) : answer);
  }

  const server = createServer((incoming, response) => {
    readRequest(incoming).then(
      (request) => handle(request, response),
      // The client broke off while sending: nobody is left to be answered.
      () => breakOff(response),
    );
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    state,
    requests,
    setFaults(plan) {
      faults = plan;
    },
    async close() {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function send(response: ServerResponse, request: S3Request, answer: S3Answer): void {
  response.writeHead(answer.status, answer.headers);
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

function breakOff(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

function cut(response: ServerResponse, answer: S3Answer, afterBytes: number): void {
  response.writeHead(answer.status, answer.headers);
  response.write(Buffer.from(answer.body ?? '').subarray(0, afterBytes), () => response.socket?.destroy());
}

function garbled(answer: S3Answer): S3Answer {
  const body = Buffer.from(answer.body ?? '');
  body[0] = (body[0] ?? 0) ^ 1;
  return { ...answer, body };
}
