import { TrialsShowAnswer } from '../../answers/trials.js';
import { sweepFlag, trialArgument } from '../../arguments.js';
import { ControllerCommand } from '../../controller-command.js';
import { renderTrial } from '../../render/trials.js';

export default class TrialsShow extends ControllerCommand<typeof TrialsShow> {
  static override summary = 'Show one trial: hyperparameters, metrics, attempts, and where its pictures lie.';
  static override description =
    'Points at the learning curves, the ROC curve, the score histogram and the sheet of most and least anomalous images.';
  static override examples = [
    '<%= config.bin %> trials show t000003',
    '<%= config.bin %> trials show t000003 --sweep ocgan-mnist',
  ];
  static override args = { trial: trialArgument };
  static override flags = { sweep: sweepFlag };
  static get answer() {
    return TrialsShowAnswer;
  }

  async run(): Promise<TrialsShowAnswer> {
    const { findTrial } = await import('../../services/find-trial.js');
    const trial = await this.withController((client) => findTrial(client, this.args.trial, this.flags.sweep));
    return this.reply(TrialsShow.answer, trial, renderTrial);
  }
}
