import { SweepAnswer } from '../../answers/sweeps.js';
import { sweepArgument } from '../../arguments.js';
import { ControllerCommand } from '../../controller-command.js';
import { AS_ADMIN_FLAG } from '../../flags.js';
import { renderSweep } from '../../render/sweeps.js';

export default class SweepsResume extends ControllerCommand<typeof SweepsResume> {
  static override summary = 'Continue a paused sweep where it was.';
  static override description =
    'Trials continue from their checkpoints. In a cluster only its owner may do this, or an admin with --as-admin.';
  static override examples = ['<%= config.bin %> sweeps resume ocgan-mnist'];
  static override args = { sweep: sweepArgument };
  static override flags = AS_ADMIN_FLAG;
  static get answer() {
    return SweepAnswer;
  }

  async run(): Promise<SweepAnswer> {
    const { findSweep } = await import('../../services/find-sweep.js');
    const summary = await this.withController(async (client) => {
      const { sweep } = await findSweep(client, this.args.sweep);
      return client.change('sweeps.resume', { sweep }, { asAdmin: this.flags['as-admin'] });
    });
    return this.reply(SweepsResume.answer, summary, renderSweep);
  }
}
