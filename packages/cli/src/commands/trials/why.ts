import { TrialsWhyAnswer } from '../../answers/trials.js';
import { sweepFlag, trialArgument } from '../../arguments.js';
import { ControllerCommand } from '../../controller-command.js';
import { renderWhy } from '../../render/trials.js';

export default class TrialsWhy extends ControllerCommand<typeof TrialsWhy> {
  static override summary = 'Say why a trial is where it is: the binding constraint first.';
  static override examples = ['<%= config.bin %> trials why t000003'];
  static override args = { trial: trialArgument };
  static override flags = { sweep: sweepFlag };
  static get answer() {
    return TrialsWhyAnswer;
  }

  async run(): Promise<TrialsWhyAnswer> {
    const { findSweep } = await import('../../services/find-sweep.js');
    const why = await this.withController(async (client) => {
      const { trial } = this.args;
      if (this.flags.sweep === undefined) return client.request('trials.why', { trial });
      const { sweep } = await findSweep(client, this.flags.sweep);
      return client.request('trials.why', { sweep, trial });
    });
    return this.reply(TrialsWhy.answer, why, renderWhy);
  }
}
