import { natsServerTooOld, natsWithoutJetStream } from '../errors.js';
import type { NatsClient } from './core-nats.js';

/** The oldest server adctl is tested with (Debian 12). */
export const SERVER_FLOOR = '2.9.10';

/** From here on the server counts and answers as it should; docs/messaging.md says what older ones cost. */
export const SERVER_RECOMMENDED = '2.10.0';

/** Whether a version (`major.minor.patch…`) is at least another. */
export function isAtLeast(version: string, floor: string): boolean {
  const numbers = (text: string) => text.split(/[.-]/).slice(0, 3).map(Number);
  const [have, want] = [numbers(version), numbers(floor)];
  for (const [index, wanted] of want.entries()) {
    const had = have[index] ?? 0;
    if (had !== wanted) return had > wanted;
  }
  return true;
}

/** What newer servers can do; asked anew at each use, because a reconnect may lead to another server. */
export const SERVER_FEATURES = {
  /** Several filters on one consumer. */
  manyFilters: '2.10.0',
} as const;

export function hasFeature(client: NatsClient, feature: keyof typeof SERVER_FEATURES): boolean {
  return isAtLeast(client.serverVersion(), SERVER_FEATURES[feature]);
}

/** @throws AdctlError permanent `nats_server_too_old`, `nats_without_jetstream`. */
export function assertServer(client: NatsClient): void {
  const version = client.serverVersion();
  if (!isAtLeast(version, SERVER_FLOOR)) throw natsServerTooOld(version, SERVER_FLOOR);
  if (!client.hasJetStream()) throw natsWithoutJetStream();
}
