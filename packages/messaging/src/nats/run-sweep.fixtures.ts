import { SweepId, TrialId } from '@adctl/protocol';
import type { Messaging } from '../deployment.js';

export interface SweepRun {
  readonly controller: Messaging;
  /** One slot each. */
  readonly workers: readonly Messaging[];
  readonly trials: number;
  /** What happens once so many trials have ended. */
  readonly trouble: ReadonlyMap<number, () => Promise<void>>;
}

export interface SweepEnding {
  /** Trials with a result event, as a follower saw them who began before the first. */
  readonly results: number;
  /** Result events beyond one a trial. */
  readonly doubled: number;
  /** Trials whose lease a watcher saw. */
  readonly claims: number;
  readonly troubles: number;
  /** Messages left in the queue whose trial nobody claimed. */
  readonly lostInQueue: number;
}

/**
 * A sweep in small: the controller queues trials, follows results and watches leases; workers take a message, claim by
 * creating the lease, report once and ack.
 */
export async function runSweep({ controller, workers, trials, trouble }: SweepRun): Promise<SweepEnding> {
  const stop = new AbortController();
  const results: string[] = [];
  const claims = new Set<string>();
  const following = (async () => {
    for await (const event of controller.events.follow('result.>', { signal: stop.signal })) {
      results.push(event.subject);
      if (new Set(results).size === trials) return;
    }
  })();
  const watching = (async () => {
    for await (const change of controller.state.bucket('lease').watch('s1', stop.signal)) {
      if (change !== 'ready') claims.add(change.key);
      if (claims.size === trials) return;
    }
  })();
  let done = 0;
  const troubles: Promise<void>[] = [];
  const work = async (worker: Messaging) => {
    while (done < trials) {
      const delivery = await worker.queue.next({ class: 'cpu', waitMs: 500 });
      if (delivery === null) continue;
      const { trial } = delivery.assignment;
      if ((await worker.state.bucket('lease').create(`s1.${trial}`, { trial })) !== null) {
        await worker.events.append(`result.s1.${trial}.0.1`, trial, { once: true });
        done += 1;
        const event = trouble.get(done);
        if (event !== undefined) troubles.push(event());
      }
      // A killed server may have forgotten that it handed the message out; it does so again then.
      await delivery.ack().catch(unlessUnconfirmed);
    }
  };
  for (let index = 0; index < trials; index += 1) {
    await controller.queue.publish({
      class: 'cpu',
      priority: 'normal',
      messageId: crypto.randomUUID(),
      assignment: {
        version: 1,
        sweep: SweepId.parse('s1'),
        trial: TrialId.parse(`t${index}`),
        generation: 0,
        specKey: 'v1/trial/s1.json',
      },
    });
  }
  await Promise.all(workers.map(work));
  await Promise.all([...troubles, following, watching]);
  stop.abort();
  const left = await controller.queue.contents();
  const unclaimed = left.filter(({ trial }) => !claims.has(`s1.${trial}`));
  return {
    results: new Set(results).size,
    doubled: results.length - new Set(results).size,
    claims: claims.size,
    troubles: troubles.length,
    lostInQueue: unclaimed.length,
  };
}

function unlessUnconfirmed(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'queue_ack_unconfirmed')) throw error;
}
