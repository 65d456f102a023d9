import type { SweepRecord } from '@adctl/protocol';
import type { ControllerContext } from '../context.js';

/** Whether somebody may change a sweep: its owner, and everybody where control is shared. Admins ask by verbs of their own. */
export function mayChange(
  { sharedControl }: Pick<ControllerContext, 'sharedControl'>,
  { owner }: Pick<SweepRecord, 'owner'>,
  caller: string,
): boolean {
  return sharedControl || owner === caller;
}
