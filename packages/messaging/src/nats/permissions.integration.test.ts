import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AdctlError,
  HEARTBEATS,
  heartbeatTopic,
  orderTopic,
  SweepId,
  type TrialAssignment,
  TrialId,
  WorkerId,
} from '@adctl/protocol';
import { createUser } from 'nkeys.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Messaging } from '../deployment.js';
import { type BucketName, STATE_BUCKETS } from '../state-store.js';
import { createCertificates } from './certificates.fixtures.js';
import { connectClient } from './client.js';
import { connectNats, type NatsOptions, type NatsRole, prepareNats } from './connect.js';
import type { NatsClient, NatsCredentials } from './core-nats.js';
import { CRIMES } from './crimes.fixtures.js';
import { describeOnServers, testOptions } from './deployment.fixtures.js';
import { type NatsUser, renderAuthorization } from './permissions.js';

const certificates = createCertificates();
const files = mkdtempSync(join(tmpdir(), 'adctl-keys-'));
afterAll(() => rm(files, { recursive: true }));
afterAll(() => rm(certificates?.directory ?? files, { recursive: true, force: true }));

/** Makes a key; the seed goes into a file as an operator would keep it. */
function createKey(name: string): { nkey: string; credentials: NatsCredentials } {
  const pair = createUser();
  const nkeySeedFile = join(files, `${name}.nk`);
  writeFileSync(nkeySeedFile, `${new TextDecoder().decode(pair.getSeed())}\n`, { mode: 0o600 });
  return { nkey: pair.getPublicKey(), credentials: { nkeySeedFile } };
}

const keys = {
  controller: createKey('controller'),
  w1: createKey('w1'),
  cpu: createKey('cpu'),
  gpu: createKey('gpu'),
  alice: createKey('alice'),
  root: createKey('root'),
  stranger: createKey('stranger'),
};
const users: NatsUser[] = [
  { role: 'controller', name: 'controller', login: { nkey: keys.controller.nkey } },
  { role: 'worker', name: 'w1', classes: ['cpu'], login: { nkey: keys.w1.nkey } },
  // As they are deployed: one credential for each pool.
  { role: 'worker', name: 'cpu', classes: ['cpu'], sharedBy: 'pool', login: { nkey: keys.cpu.nkey } },
  { role: 'worker', name: 'gpu', classes: ['gpu24'], sharedBy: 'pool', login: { nkey: keys.gpu.nkey } },
  { role: 'cli', name: 'alice', login: { nkey: keys.alice.nkey } },
  { role: 'admin', name: 'root', login: { nkey: keys.root.nkey } },
];
const tlsBlock =
  certificates === null ? '' : `tls { cert_file: "${certificates.certFile}", key_file: "${certificates.keyFile}" }\n`;
const config = tlsBlock + renderAuthorization(users);

const assignment: TrialAssignment = {
  version: 1,
  sweep: SweepId.parse('s1'),
  trial: TrialId.parse('t1'),
  generation: 0,
  specKey: 'v1/trial/s1/t1.json',
};
const entry = (name: string) => ({
  class: name,
  priority: 'normal' as const,
  messageId: crypto.randomUUID(),
  assignment,
});

await describeOnServers(
  'both',
  ({ current }) => {
    const problems: AdctlError[] = [];
    const open: { close(): Promise<void> }[] = [];
    const tls = certificates === null ? {} : { tls: { caFile: certificates.caFile } };
    const optionsOf = (role: NatsRole, identity: 'controller' | 'w1' | 'alice' | 'root') => ({
      ...testOptions(current(), 'ad'),
      role,
      identity,
      ...tls,
      credentials: keys[identity].credentials,
      report: (problem: AdctlError) => problems.push(problem),
    });
    const as = async (role: NatsRole, identity: 'controller' | 'w1' | 'alice' | 'root'): Promise<Messaging> => {
      const messaging = await connectNats(optionsOf(role, identity));
      open.push(messaging);
      return messaging;
    };
    /** A worker as it is deployed: with an id and inboxes of its own, and the credential of its pool. */
    const asPool = async (pool: 'cpu' | 'gpu') => {
      const id = WorkerId.parse(`${pool}--1-1-x7k2p`);
      const worker = await connectNats({
        ...optionsOf('worker', 'w1'),
        ...{ identity: id, inboxPrefix: `_INBOX_${pool}.${id}`, credentials: keys[pool].credentials },
      });
      open.push(worker);
      return { id, worker };
    };
    const asCriminal = (who: keyof typeof keys, inboxPrefix = `_INBOX_${who}`) =>
      connectClient({
        servers: [current().url],
        name: 'criminal',
        inboxPrefix,
        credentials: keys[who].credentials,
        ...tls,
        firstConnectMs: 0,
        reconnectWaitMs: 50,
        report: (problem) => problems.push(problem),
      });
    beforeAll(async () => {
      await prepareNats({ ...optionsOf('controller', 'controller'), classes: ['cpu', 'gpu24'] });
    });
    afterEach(async () => {
      await Promise.all(open.splice(0).map((connection) => connection.close()));
      problems.splice(0);
    });

    describe('each role can do its work', () => {
      it('controller, worker and cli together, without one refusal', async () => {
        const [controller, worker, alice] = [
          await as('controller', 'controller'),
          await as('worker', 'w1'),
          await as('cli', 'alice'),
        ];
        const stop = new AbortController();

        // A person asks, under the own name.
        await controller.control.serve('sweeps.submit', async (payload, caller) => ({ payload, caller }));
        expect(await alice.control.request('sweeps.submit', 1)).toEqual({ payload: 1, caller: 'alice' });
        await controller.control.serve('admin.gc', async (payload, caller) => ({ payload, caller }));
        const root = await as('cli', 'root');
        expect(await root.control.request('admin.gc', 2)).toEqual({ payload: 2, caller: 'root' });
        expect(await root.control.request('sweeps.submit', 3)).toEqual({ payload: 3, caller: 'root' });
        // The controller keeps records, fills and looks into the queue.
        for (const name of Object.keys(STATE_BUCKETS) as BucketName[]) {
          const bucket = controller.state.bucket(name);
          const revision = await bucket.create('s1.t1', 1);
          expect(await bucket.update('s1.t1', 2, revision ?? 0)).toEqual(expect.any(Number));
          expect(await bucket.entries('s1')).toHaveLength(1);
          if (name === 'lease') {
            expect(await bucket.delete('s1.t1')).toBe(true);
            expect(await bucket.purge('s1', (revision ?? 0) + 10)).toBe(1);
          }
        }
        await controller.queue.publish(entry('gpu24'));
        const [gpu] = await controller.queue.contents();
        expect(await controller.queue.remove(gpu?.sequence ?? 0)).toBe(true);
        await controller.queue.publish(entry('cpu'));
        // The worker takes the trial and reports; a person and the controller listen.
        const heard: string[] = [];
        await controller.control.subscribe('heartbeat.*', (topic) => heard.push(topic));
        await alice.control.subscribe('progress.s1.>', (topic) => heard.push(topic));
        await worker.control.subscribe('order.w1', (topic) => heard.push(topic));
        const delivery = await worker.queue.next({ class: 'cpu', waitMs: 5_000 });
        expect((await worker.state.bucket('trial').get('s1.t1'))?.value).toBe(2);
        const lease = await worker.state.bucket('lease').create('s1.t1', { attempt: 1 });
        await worker.state.bucket('lease').update('s1.t1', { attempt: 1, renewed: true }, lease ?? 0);
        await delivery?.working();
        await worker.control.publish('heartbeat.w1', 1);
        await worker.control.publish('progress.s1.t1', 1);
        await worker.control.publish('log.s1.t1', 'line');
        await controller.control.publish('order.w1', 1);
        await worker.events.appendAll([{ subject: 'metric.s1.t1', data: 1 }]);
        await worker.events.append('result.s1.t1.0.1', 1, { once: true });
        expect((await worker.events.append('result.s1.t1.0.1', 1, { once: true })).duplicate).toBe(true);
        await delivery?.ack();
        for await (const event of controller.events.follow('result.>', { signal: stop.signal })) {
          expect(event.subject).toBe('result.s1.t1.0.1');
          stop.abort();
        }
        for await (const event of controller.events.read('metric.>')) expect(event.data).toBe(1);
        await controller.events.purge('metric.>');
        for await (const change of controller.state.bucket('lease').watch('', AbortSignal.timeout(5_000))) {
          if (change === 'ready') break;
        }

        await expect.poll(() => heard.toSorted()).toEqual(['heartbeat.w1', 'order.w1', 'progress.s1.t1']);
        expect(problems).toEqual([]);
      });
    });

    it('workers of two pools work side by side, each by the credential of its pool', async () => {
      const controller = await as('controller', 'controller');
      const heard: string[] = [];
      await controller.control.subscribe(HEARTBEATS, (topic) => heard.push(topic));
      for (const [pool, name] of [
        ['cpu', 'cpu'],
        ['gpu', 'gpu24'],
      ] as const) {
        const { id, worker } = await asPool(pool);
        await worker.control.subscribe(orderTopic(id), (topic) => heard.push(topic));
        await worker.control.publish(heartbeatTopic(id), 1);
        await controller.control.publish(orderTopic(id), 1);
        await controller.queue.publish(entry(name));
        const delivery = await worker.queue.next({ class: name, waitMs: 5_000 });
        await delivery?.ack();
        expect(await controller.queue.contents()).toEqual([]);
      }

      const topics = ['heartbeat', 'order'].flatMap((what) =>
        ['cpu', 'gpu'].map((pool) => `${what}.${pool}.1-1-x7k2p`),
      );
      await expect.poll(() => heard.toSorted()).toEqual(topics);
      expect(problems).toEqual([]);
    });

    it('an ack that a JetStream domain would make its own ends no trial of another class', async () => {
      const controller = await as('controller', 'controller');
      const { worker } = await asPool('gpu');
      const criminal = await asCriminal('cpu');
      open.push(criminal);
      await controller.queue.publish(entry('gpu24'));
      const delivery = await worker.queue.next({ class: 'gpu24', waitMs: 5_000 });

      // Where the server looks for the numbers of the delivery stand the names that the permission asks for.
      for (const word of ['+ACK', '+TERM', '-NAK']) {
        criminal.publish('$JS.ACK.AD_JOBS.w_gpu24_normal.AD_JOBS.w_cpu_normal.1.1.1', word);
      }
      await criminal.flush();

      expect(problems).toEqual([]); // the server lets it pass
      expect(await controller.queue.contents()).toHaveLength(1);
      await delivery?.ack();
      expect(await controller.queue.contents()).toEqual([]);
    });

    describe.each(['w1', 'cpu', 'alice', 'root', 'controller'] as const)('%s is refused to', (who) => {
      let client: NatsClient;
      beforeAll(async () => {
        client = await asCriminal(who);
      });
      afterAll(() => client.close());
      const denied = expect.objectContaining({ code: 'nats_permission_denied', kind: 'permanent' });

      it.each(Object.entries(CRIMES[who].send))('%s', async (_crime, subject) => {
        await expect(client.request(subject, '{}', { timeoutMs: 5_000 })).rejects.toEqual(denied);
      });

      it.each(Object.entries(CRIMES[who].listen))('%s', async (_crime, subject) => {
        const refusals: AdctlError[] = [];
        client.subscribe(
          subject,
          () => undefined,
          (error) => refusals.push(error),
        );
        await client.flush();

        expect(refusals).toEqual([denied]);
      });
    });

    it('tells a worker that it may not take trials of a class, instead of waiting', async () => {
      const worker = await as('worker', 'w1');

      await expect(worker.queue.next({ class: 'gpu24', waitMs: 10_000 })).rejects.toMatchObject({
        code: 'nats_permission_denied',
      });
    });

    it('tells whoever may not hear its answers so at every request, instead of waiting for them', async () => {
      const client = await asCriminal('alice', '_INBOX_w1');
      try {
        for (const subject of ['ad.api.alice.status', 'ad.api.alice.workers.list']) {
          await expect(client.request(subject, '{}', { timeoutMs: 10_000 })).rejects.toMatchObject({
            code: 'nats_permission_denied',
          });
        }
      } finally {
        await client.close();
      }
    });

    it('tells a person at once that a subscription is not allowed', async () => {
      const alice = await as('cli', 'alice');

      await expect(alice.control.subscribe('heartbeat.*', () => undefined)).rejects.toMatchObject({
        code: 'nats_permission_denied',
      });
    });

    describe('strangers are refused', () => {
      const strangers = (more: Partial<NatsOptions>) => {
        const { credentials: _, ...options } = optionsOf('cli', 'alice');
        return connectNats({ ...options, ...more });
      };

      it('without credentials', async () => {
        await expect(strangers({})).rejects.toMatchObject({ code: 'nats_auth_refused' });
      });

      it('with an unknown key', async () => {
        const { credentials } = keys.stranger;
        await expect(strangers({ credentials })).rejects.toMatchObject({ code: 'nats_auth_refused' });
      });

      it.skipIf(certificates === null)('by a client that trusts another authority (needs openssl)', async () => {
        const { credentials } = keys.alice;
        const other = { tls: { caFile: certificates?.otherCaFile ?? '' } };
        await expect(strangers({ credentials, ...other })).rejects.toMatchObject({
          code: 'nats_tls_refused',
          kind: 'user',
        });
      });
    });
  },
  config,
);
