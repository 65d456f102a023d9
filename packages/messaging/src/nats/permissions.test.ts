import { describe, expect, it } from 'vitest';
import { type NatsUser, permissionsOf, renderAuthorization } from './permissions.js';

const NKEY = `U${'A'.repeat(55)}`;
const HASH = `$2a$11$${'x'.repeat(53)}`;
const login = { nkey: NKEY };
const worker: NatsUser = { role: 'worker', name: 'w1', classes: ['gpu24'], login };

describe('permissions', () => {
  it('give a worker the consumers of its classes, leases and reports', () => {
    expect(permissionsOf(worker)).toMatchObject({
      publish: expect.arrayContaining([
        '$JS.API.CONSUMER.MSG.NEXT.AD_JOBS.w_gpu24_high',
        '$JS.ACK.AD_JOBS.w_gpu24_low.>',
        '$KV.ad_lease.>',
        'ad.event.result.>',
        'ad.metric.>',
        'ad.live.heartbeat.w1',
      ]),
      subscribe: ['_INBOX_w1.>', 'ad.live.order.w1'],
      mayRespond: false,
    });
  });

  it('let the workers of a pool share a credential, which stands for no worker of another', () => {
    const { publish, subscribe } = permissionsOf({ ...worker, name: 'pool-a', sharedBy: 'pool' });

    expect(publish.filter((subject) => subject.includes('heartbeat'))).toEqual(['ad.live.heartbeat.pool-a.*']);
    expect(subscribe).toEqual(['_INBOX_pool-a.>', 'ad.live.order.pool-a.*']);
  });

  it('let the workers of all pools share a credential, which stands for each of them', () => {
    const { publish, subscribe } = permissionsOf({ ...worker, name: 'worker', sharedBy: 'all' });

    expect(publish.filter((subject) => subject.includes('heartbeat'))).toEqual(['ad.live.heartbeat.>']);
    expect(subscribe).toEqual(['_INBOX_worker.>', 'ad.live.order.>']);
  });

  it.each([
    ['cli', ['ad.api.alice.admin.>']],
    ['admin', []],
  ] as const)('give a person of role %s requests under the own name and live views', (role, denyPublish) => {
    expect(permissionsOf({ role, name: 'alice', login })).toEqual({
      publish: ['ad.api.alice.>'],
      denyPublish,
      subscribe: ['_INBOX_alice.>', 'ad.live.progress.>', 'ad.live.log.>'],
      mayRespond: false,
    });
  });

  it('follow the namespace', () => {
    const { publish } = permissionsOf(worker, 'lab2');

    expect(publish).toContain('$JS.API.CONSUMER.MSG.NEXT.LAB2_JOBS.w_gpu24_high');
    expect(publish.filter((subject) => /\bad[._]|AD_/.test(subject))).toEqual([]);
  });

  it.each(['*', '>', 'a.b', '', 'a b'])('refuse %j as a name or class: it would widen them', (name) => {
    const refused = expect.objectContaining({ code: 'bad_permission_name' });
    expect(() => permissionsOf({ ...worker, name })).toThrow(refused);
    expect(() => permissionsOf({ ...worker, classes: [name] })).toThrow(refused);
  });

  it.each([{ nkey: `SU${'A'.repeat(56)}` }, { nkey: 'U' }, { passwordHash: 'secret' }])(
    'refuse the login %j: secrets do not belong on the server',
    (bad) => {
      expect(() => renderAuthorization([{ ...worker, login: bad }])).toThrow(
        expect.objectContaining({ code: 'bad_login' }),
      );
    },
  );

  it('render as a block of the server configuration', () => {
    const block = renderAuthorization([
      { role: 'cli', name: 'alice', login: { passwordHash: HASH } },
      { role: 'admin', name: 'root', login },
      { role: 'controller', name: 'controller', login },
    ]);

    expect(block).toContain(`user: "alice"\n      password: "${HASH}"`);
    expect(block).toContain(`nkey: ${NKEY}`);
    expect(block.match(/allow_responses/g)).toHaveLength(1);
    expect(block.match(/deny: \[\n +"(.*)"/)?.[1]).toBe('ad.api.alice.admin.>');
    expect(block.match(/deny/g)).toHaveLength(1);
  });
});
