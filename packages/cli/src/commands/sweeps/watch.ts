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
    const { watchSweep } = await import('../../services/watch-sweep.js');
    const { exitCodeOf } = await import('../../services/sweep-outcome.js');
    const { outcome, interrupted } = await this.withProgress((view, { gentle }) =>
      watchSweep({
        sweep: this.args.sweep,
        view,
        signal: gentle,
        withController: (use) => this.withController(use),
      }),
    );
    if (interrupted) this.endWith(EXIT_CODES.interrupted);
    else this.endWith(exitCodeOf(outcome));
    return this.reply(SweepsWatch.answer, outcome, renderOutcome);
  }
}
