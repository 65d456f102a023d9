import { didYouMean, type SweepSummary, userError } from '@adctl/protocol';
import type { ControllerClient } from './controller-client.js';

/**
 * The sweep a person means: its id, a unique beginning of one, or its name when only one sweep has it.
 *
 * @throws AdctlError user `unknown_sweep`, `ambiguous_sweep`
 */
export async function findSweep(client: ControllerClient, text: string): Promise<SweepSummary> {
  const sweeps = await client.request('sweeps.list', {});
  const exact = sweeps.find((sweep) => sweep.sweep === text);
  if (exact !== undefined) return exact;
  const matching = sweeps.filter((sweep) => sweep.sweep.startsWith(text));
  const [only, ...others] = matching;
  if (only !== undefined && others.length === 0) return only;
  if (others.length > 0) {
    throw userError('ambiguous_sweep', `"${text}" could be ${matching.length} sweeps.`, {
      hint: `Write more of one of: ${matching.map((sweep) => sweep.sweep).join(', ')}`,
    });
  }
  const near = didYouMean(
    text,
    sweeps.map((sweep) => sweep.sweep),
  );
  const none =
    'No sweep has been submitted here yet; start one with adctl sweep FILE, or name another --directory or --context.';
  throw userError('unknown_sweep', `There is no sweep "${text}" here.`, {
    hint:
      sweeps.length === 0 ? none : `${near === undefined ? '' : `Did you mean ${near}? `}adctl sweeps list shows all.`,
  });
}
