import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WorkerId } from './ids.js';
import { heartbeatTopic, orderTopic } from './worker-topics.js';

test('a pool is a token of its own', () => {
  expect(heartbeatTopic('gpu--1-1-x7k2p')).toBe('heartbeat.gpu.1-1-x7k2p');
  expect(orderTopic('gpu-spot--1-1-x7k2p')).toBe('order.gpu-spot.1-1-x7k2p');
  expect(orderTopic('w-host-12')).toBe('order.w-host-12');
});

test('every worker has topics of its own, of valid tokens', () => {
  const id = fc.stringMatching(/^[ab][ab-]{0,8}$/).map((text) => WorkerId.parse(text));
  fc.assert(
    fc.property(id, id, (one, other) => {
      expect(heartbeatTopic(one)).toMatch(/^heartbeat(\.[a-z0-9-]+){1,2}$/);
      expect(heartbeatTopic(one) === heartbeatTopic(other)).toBe(one === other);
    }),
  );
});
