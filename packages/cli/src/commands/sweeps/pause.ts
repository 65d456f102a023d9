import { SweepAnswer } from '../../answers/sweeps.js';
import { sweepArgument } from '../../arguments.js';
import { ControllerCommand } from '../../controller-command.js';
import { AS_ADMIN_FLAG } from '../../flags.js';
import { renderSweep } from '../../render/sweeps.js';

export default class SweepsPause extends ControllerCommand<typeof SweepsPause> {
  static override summary = 'Set a sweep aside: nothing new starts, running trials save a checkpoint and stop.';
  static override description =
    'A running trial goes back to its checkpoint when the sweep is resumed; nothing is lost. In a cluster only its owner may do this, or an admin with --as-admin.';
  static override examples = ['<%= config.bin %> sweeps pause ocgan-mnist'];
  static override args = { sweep: sweepArgument };
  static override flags = AS_ADMIN_FLAG;
  static get answer() {
    return SweepAnswer;
  }

  async run(): Promise<SweepAnswer> {
    const { findSweep } = await import('../../services/find-sweep.js');
    const summary = await this.withController(async (client) => {
      const { sweep } = await findSweep(client, this.args.sweep);
      return client.change('sweeps.pause', { sweep }, { asAdmin: this.flags['as-admin'] });
    });
    return this.reply(SweepsPause.answer, summary, renderSweep);
  }
}
