import { describe, expect, it } from 'vitest';
import { parseDeliverySubject } from './delivery-subject.js';

describe('the reply subject of a delivery', () => {
  const facts = { deliveries: 2, streamSequence: 17, consumerSequence: 5 };

  it.each([
    ['short', '$JS.ACK.AD_JOBS.w_cpu_high.2.17.5.1700000000000000000.3'],
    ['with domain and account', '$JS.ACK._.ACCHASH.AD_JOBS.w_cpu_high.2.17.5.1700000000000000000.3'],
    ['with a token at the end', '$JS.ACK.hub.ACCHASH.AD_JOBS.w_cpu_high.2.17.5.1700000000000000000.3.x'],
  ])('is read: %s', (_name, subject) => {
    expect(parseDeliverySubject(subject)).toEqual(facts);
  });

  it.each([undefined, '', '_INBOX.x', '$JS.ACK.a.b.c.d.e.f.g'])('is refused: %s', (subject) => {
    expect(() => parseDeliverySubject(subject)).toThrow(
      expect.objectContaining({ code: 'nats_answer_not_understood' }),
    );
  });
});
