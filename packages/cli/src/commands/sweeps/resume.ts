import { SweepAnswer } from '../../answers/sweeps.js';
import { sweepArgument } from '../../arguments.js';
import { ControllerCommand } from '../../controller-command.js';
import { renderSweep } from '../../render/sweeps.js';

export default class SweepsResume extends ControllerCommand<typeof SweepsResume> {
  static override summary = 'Continue a paused sweep where it was.';
  static override description = 'Trials continue from their checkpoints.';
  static override examples = ['<%= config.bin %> sweeps resume ocgan-mnist'];
  static override args = { sweep: sweepArgument };
  static get answer() {
    return SweepAnswer;
  }

  async run(): Promise<SweepAnswer> {
    const { findSweep } = await import('../../services/find-sweep.js');
    const summary = await this.withController(async (client) => {
      const { sweep } = await findSweep(client, this.args.sweep);
      return client.request('sweeps.resume', { sweep });
    });
    return this.reply(SweepsResume.answer, summary, renderSweep);
  }
}
