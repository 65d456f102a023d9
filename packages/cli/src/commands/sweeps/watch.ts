import { EXIT_CODES } from '@adctl/protocol';
import { SweepOutcome } from '../../answers/sweeps.js';
import { sweepArgument } from '../../arguments.js';
import { ControllerCommand } from '../../controller-command.js';
import { renderOutcome } from '../../render/outcome.js';

export default class SweepsWatch extends ControllerCommand<typeof SweepsWatch> {
  static override summary = 'Follow a sweep until it ends, then print its leaderboard.';
  static override description =
    'Watching changes nothing: Ctrl-C ends the watching only. Exit code 1 when trials of the sweep ended badly.';
  static override examples = ['<%= config.bin %> sweeps watch ocgan-mnist'];
  static override args = { sweep: sweepArgument };
  static get answer() {
    return SweepOutcome;
  }

  async run(): Promise<SweepOutcome> {
    const { findSweep } = await import('../../services/find-sweep.js');
    const { followSweep } = await import('../../services/follow-sweep.js');
    const { endedBadly, readOutcome } = await import('../../services/sweep-outcome.js');
    const { REAL_PACE } = await import('../../services/pace.js');
    const { outcome, interrupted } = await this.withProgress((view, interrupts) =>
      this.withController(async (client) => {
        const { sweep } = await findSweep(client, this.args.sweep);
        const summary = await followSweep({ client, sweep, view, pace: REAL_PACE, signal: interrupts.gentle });
        const outcome = await readOutcome(client, summary, this.directory);
        return { outcome, interrupted: interrupts.gentle.aborted };
      }),
    );
    if (interrupted) this.endWith(EXIT_CODES.interrupted);
    else if (endedBadly(outcome)) this.endWith(EXIT_CODES.someTrialsFailed);
    return this.reply(SweepsWatch.answer, outcome, renderOutcome);
  }
}
