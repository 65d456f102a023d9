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
    const { findTrial } = await import('../../services/find-trial.js');
    const why = await this.withController(async (client) => {
      const { spec } = await findTrial(client, this.args.trial, this.flags.sweep);
      return client.request('trials.why', { sweep: spec.sweep, trial: spec.trial });
    });
    return this.reply(TrialsWhy.answer, why, renderWhy);
  }
}
