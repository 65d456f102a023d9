import { TRIAL_STATES } from '@adctl/protocol';
import { Flags } from '@oclif/core';
import { TrialsListAnswer } from '../../answers/trials.js';
import { sweepFlag } from '../../arguments.js';
import { ControllerCommand } from '../../controller-command.js';
import { variableOf } from '../../flags.js';
import { renderTrials } from '../../render/trials.js';

export default class TrialsList extends ControllerCommand<typeof TrialsList> {
  static override summary = 'List trials with their state and selection metrics.';
  static override examples = [
    '<%= config.bin %> trials list --sweep ocgan-mnist',
    '<%= config.bin %> trials list --state failed --state diverged',
  ];
  static override flags = {
    sweep: sweepFlag,
    state: Flags.option({ options: TRIAL_STATES, multiple: true, multipleNonGreedy: true })({
      summary: 'Only trials in this state; may be given several times.',
      env: variableOf('state'),
    }),
    phase: Flags.option({ options: ['search', 'report'] as const })({
      summary: 'Only trials of this phase.',
      env: variableOf('phase'),
    }),
    limit: Flags.integer({
      summary: 'Most trials to list.',
      env: variableOf('limit'),
      default: 1000,
      min: 1,
      helpValue: 'NUMBER',
    }),
  };
  static get answer() {
    return TrialsListAnswer;
  }

  async run(): Promise<TrialsListAnswer> {
    const { listTrials } = await import('../../services/list-trials.js');
    const { sweep, state, phase, limit } = this.flags;
    const trials = await this.withController((client) => listTrials(client, { sweep, states: state, phase, limit }));
    return this.reply(TrialsList.answer, trials, renderTrials);
  }
}
