import { SweepAnswer } from '../../answers/sweeps.js';
import { sweepArgument } from '../../arguments.js';
import { ControllerCommand } from '../../controller-command.js';
import { renderSweep } from '../../render/sweeps.js';

export default class SweepsShow extends ControllerCommand<typeof SweepsShow> {
  static override summary = 'Show one sweep: state, counts by trial state, finalists.';
  static override examples = ['<%= config.bin %> sweeps show ocgan-mnist'];
  static override args = { sweep: sweepArgument };
  static get answer() {
    return SweepAnswer;
  }

  async run(): Promise<SweepAnswer> {
    const { findSweep } = await import('../../services/find-sweep.js');
    const sweep = await this.withController((client) => findSweep(client, this.args.sweep));
    return this.reply(SweepsShow.answer, sweep, renderSweep);
  }
}
