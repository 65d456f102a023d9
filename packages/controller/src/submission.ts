import { digestOf, type SubmitSweep, SweepId, SweepRecord } from '@adctl/protocol';
import { z } from 'zod';
import type { ControllerContext } from './context.js';

/** What an idempotency key stands for (bucket `submission`, by owner and key). */
const Submission = z.object({
  version: z.literal(1),
  owner: z.string(),
  key: z.string(),
  sweep: SweepId,
  /** The sweep's record was there when this was written. */
  confirmed: z.boolean().optional(),
});

/** One idempotency key of one owner. */
export interface SubmissionKey {
  /** The sweep that was submitted under the key, if it was accepted. */
  find(): Promise<SweepRecord | undefined>;
  /**
   * Binds the key to a sweep that is about to be created. A key bound to a sweep that never got a record, because its
   * submission broke off, is bound anew.
   * @returns the sweep of another submission that was faster.
   */
  claim(sweep: SweepId): Promise<SweepRecord | undefined>;
  /**
   * Makes a claim final, once the sweep's record is there: from then on nobody binds the key anew.
   * @returns false when another submission, to which ours looked broken off, has bound the key to its own sweep.
   */
  confirm(): Promise<boolean>;
}

/**
 * The idempotency key of a request. It is one key in the state store, created if absent: so it survives races, restarts and
 * changes of the leader, for as long as the store does.
 */
export function submissionOf(
  context: Pick<ControllerContext, 'submissions' | 'sweeps'>,
  { idempotencyKey }: Pick<SubmitSweep, 'idempotencyKey'>,
  owner: string,
): SubmissionKey | undefined {
  if (idempotencyKey === undefined) return undefined;
  const { submissions, sweeps } = context;
  const place = digestOf([owner, idempotencyKey]);
  const read = async () => {
    const entry = await submissions.get(place);
    if (entry === null) return undefined;
    const { sweep: bound } = Submission.parse(entry.value);
    const sweep = await sweeps.get(bound);
    return {
      sweep: bound,
      revision: entry.revision,
      record: sweep === null ? undefined : SweepRecord.parse(sweep.value),
    };
  };
  let claimed: { readonly ours: z.infer<typeof Submission>; readonly revision: number } | undefined;
  return {
    async find() {
      return (await read())?.record;
    },
    async claim(sweep) {
      const ours = { version: 1, owner, key: idempotencyKey, sweep } satisfies z.infer<typeof Submission>;
      // Ends: who loses the race finds the winner's record, or binds the key anew.
      for (;;) {
        const held = await read();
        if (held?.record !== undefined) return held.record;
        const revision = await (held === undefined
          ? submissions.create(place, ours)
          : submissions.update(place, ours, held.revision));
        if (revision === null) continue;
        claimed = { ours, revision };
        return undefined;
      }
    },
    async confirm() {
      if (claimed === undefined) return true;
      const { ours, revision } = claimed;
      if ((await submissions.update(place, { ...ours, confirmed: true }, revision)) !== null) return true;
      const held = await read();
      return held === undefined || held.sweep === ours.sweep; // our own write whose answer got lost, or the same sweep
    },
  };
}
