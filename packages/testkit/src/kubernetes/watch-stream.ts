import type { ServerResponse } from 'node:http';
import { Refusal } from './failures.js';
import type { KubeObject } from './objects.js';
import type { Matcher } from './selectors.js';
import type { Change, Store } from './store.js';

export interface WatchRequest {
  readonly plural: string;
  readonly matches: Matcher;
  /** Undefined or 0: everything there is comes first, as additions. */
  readonly from: number;
  readonly bookmarks: boolean;
  /** Ends the initial objects with a marked bookmark. */
  readonly initialEvents: boolean;
  readonly timeoutMs: number;
  readonly bookmarkMs: number;
  readonly silent: boolean;
  readonly echo: boolean;
}

/** Writes one watch into an answer, until its time is up or the connection goes. */
export function streamWatch(response: ServerResponse, store: Store, request: WatchRequest): void {
  const { plural, matches } = request;
  response.writeHead(200, { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' });
  response.flushHeaders();
  if (request.silent) return;
  const send = (type: string, object: unknown) => response.write(`${JSON.stringify({ type, object })}\n`);
  const sendChange = (change: Change) => {
    if (change.plural !== plural) return;
    const seen = eventOf(change, matches);
    if (seen !== null) send(seen.type, seen.object);
  };
  const bookmark = (annotations?: Record<string, string>) => {
    const metadata = { resourceVersion: String(store.version), ...(annotations === undefined ? {} : { annotations }) };
    const kind = kindOf(plural);
    send('BOOKMARK', { ...kind, metadata });
  };
  try {
    if (request.from === 0) for (const object of store.list(plural).filter(matches)) send('ADDED', object);
    else {
      if (request.echo) for (const change of store.since(0).slice(-5).reverse()) sendChange(change);
      for (const change of store.since(request.from)) sendChange(change);
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    send('ERROR', error.toStatus()); // with status 200: the stream had begun
    response.end();
    return;
  }
  if (request.initialEvents) bookmark({ 'k8s.io/initial-events-end': 'true' });
  const unlisten = store.listen(sendChange);
  const beat = request.bookmarks ? setInterval(bookmark, request.bookmarkMs) : undefined;
  const end = setTimeout(() => response.end(), request.timeoutMs);
  response.once('close', () => {
    unlisten();
    clearInterval(beat);
    clearTimeout(end);
  });
}

/** An object that leaves the selector is deleted for this watch, one that enters is added. */
function eventOf({ type, object, previous }: Change, matches: Matcher): { type: string; object: KubeObject } | null {
  const now = matches(object);
  const before = previous !== undefined && matches(previous);
  if (type === 'DELETED') return now || before ? { type, object } : null;
  if (now) return { type: before ? 'MODIFIED' : 'ADDED', object };
  return before ? { type: 'DELETED', object } : null;
}

const kindOf = (plural: string) =>
  plural === 'jobs' ? { kind: 'Job', apiVersion: 'batch/v1' } : { kind: 'Pod', apiVersion: 'v1' };
