import { Flags } from '@oclif/core';
import { TrialsLogsAnswer } from '../../answers/trials.js';
import { sweepFlag, trialArgument } from '../../arguments.js';
import { ControllerCommand } from '../../controller-command.js';
import { variableOf } from '../../flags.js';
import { renderLogs } from '../../render/trials.js';

export default class TrialsLogs extends ControllerCommand<typeof TrialsLogs> {
  static override summary = 'Print the log lines of a trial, all attempts.';
  static override examples = [
    '<%= config.bin %> trials logs t000003',
    '<%= config.bin %> trials logs t000003 --attempt 2',
  ];
  static override args = { trial: trialArgument };
  static override flags = {
    sweep: sweepFlag,
    attempt: Flags.integer({
      summary: 'Only this attempt, from 1.',
      env: variableOf('attempt'),
      min: 1,
      helpValue: 'NUMBER',
    }),
  };
  static get answer() {
    return TrialsLogsAnswer;
  }

  async run(): Promise<TrialsLogsAnswer> {
    const { findTrial } = await import('../../services/find-trial.js');
    const lines = await this.withController(async (client) => {
      const { spec } = await findTrial(client, this.args.trial, this.flags.sweep);
      return client.request('trials.logs', { sweep: spec.sweep, trial: spec.trial });
    });
    const { attempt } = this.flags;
    const wanted = attempt === undefined ? lines : lines.filter((line) => line.attempt === attempt);
    return this.reply(TrialsLogs.answer, wanted, renderLogs);
  }
}
