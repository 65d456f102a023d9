import { AdctlError } from '@adctl/protocol';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { NatsMessage } from './core-nats.js';
import { Requests } from './requests.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Requests over a connection that sends nothing, with what was sent. */
function open() {
  const sent: { readonly subject: string; readonly reply: string }[] = [];
  const listen = vi.fn();
  const requests = new Requests('_INBOX_test.abc', { publish: (request) => sent.push(request), listen });
  const ask = (subject: string) => requests.ask(subject, '', { timeoutMs: 1000 });
  const answer = (index: number, text: string, status?: number) =>
    requests.answer({
      subject: sent[index]?.reply ?? '',
      text,
      status,
      reply: undefined,
      header: () => undefined,
    } satisfies NatsMessage);
  return { requests, sent, listen, ask, answer };
}

it('gives every request its own answer, in whatever order they come', async () => {
  const { sent, ask, answer } = open();
  const first = ask('a');
  const second = ask('a');
  answer(1, 'two');
  answer(0, 'one');

  expect([(await first).text, (await second).text]).toEqual(['one', 'two']);
  expect(sent.every(({ reply }) => reply.startsWith('_INBOX_test.abc.'))).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

it('gives up after the timeout, and drops an answer that comes later', async () => {
  const { ask, answer } = open();
  const asked = ask('a');
  vi.advanceTimersByTime(1000);

  await expect(asked).rejects.toMatchObject({ code: 'nats_timeout', kind: 'transient' });
  expect(() => answer(0, 'late')).not.toThrow();
});

it('tells nobody’s answer from an answer with that status', async () => {
  const { ask, answer } = open();
  const nobody = ask('a');
  const somebody = ask('b');
  answer(0, '', 503);
  answer(1, '{"busy":true}', 503);

  await expect(nobody).rejects.toMatchObject({ code: 'nats_no_responders', kind: 'transient' });
  expect((await somebody).text).toBe('{"busy":true}');
});

it('takes the first of two answers', async () => {
  const { ask, answer } = open();
  const asked = ask('a');
  answer(0, 'first');
  answer(0, 'second');

  expect((await asked).text).toBe('first');
});

it('ends what was asked of one subject, and nothing else', async () => {
  const { requests, ask, answer } = open();
  const refused = [ask('a'), ask('a')];
  const other = ask('b');
  requests.failSubject('a', new AdctlError('no', { code: 'nats_permission_denied', kind: 'permanent' }));
  answer(2, 'yes');

  for (const asked of refused) await expect(asked).rejects.toMatchObject({ code: 'nats_permission_denied' });
  expect((await other).text).toBe('yes');
});

it('ends everything, and goes on with what is asked afterwards', async () => {
  const { requests, ask, answer } = open();
  const lost = [ask('a'), ask('b')];
  requests.failAll(new AdctlError('gone', { code: 'nats_disconnected', kind: 'transient' }));
  const after = ask('a');
  answer(2, 'back');

  for (const asked of lost) await expect(asked).rejects.toMatchObject({ code: 'nats_disconnected' });
  expect((await after).text).toBe('back');
  expect(vi.getTimerCount()).toBe(0);
});

it('listens once, and again after that was refused', async () => {
  const { requests, listen, ask, answer } = open();
  const refused = [ask('a'), ask('b')];
  expect(listen).toHaveBeenCalledTimes(1);
  requests.refuse(new AdctlError('no', { code: 'nats_permission_denied', kind: 'permanent' }));
  const after = ask('a');
  answer(2, 'allowed now');

  for (const asked of refused) await expect(asked).rejects.toMatchObject({ code: 'nats_permission_denied' });
  expect((await after).text).toBe('allowed now');
  expect(listen).toHaveBeenCalledTimes(2);
});

it('waits for nothing that could not be sent', async () => {
  const publish = () => {
    throw new Error('too large');
  };
  const requests = new Requests('_INBOX_test.abc', { publish, listen: () => undefined });

  await expect(requests.ask('a', '', { timeoutMs: 1000 })).rejects.toThrow('too large');
  expect(vi.getTimerCount()).toBe(0);
});
