import { EXIT_CODES, type LogLine } from '@adctl/protocol';
import { Flags } from '@oclif/core';
import { TrialsLogsAnswer } from '../../answers/trials.js';
import { sweepFlag, trialArgument } from '../../arguments.js';
import { ControllerCommand } from '../../controller-command.js';
import { variableOf } from '../../flags.js';
import { renderLogLine, renderLogs } from '../../render/trials.js';

export default class TrialsLogs extends ControllerCommand<typeof TrialsLogs> {
  static override summary = 'Print the log lines of a trial, all attempts, and follow them.';
  static override description =
    'Of a running attempt, and of one whose worker was killed, the last half minute may be missing; --follow tells what is said as it comes.';
  static override examples = [
    '<%= config.bin %> trials logs t000003',
    '<%= config.bin %> trials logs t000003 --attempt 2',
    '<%= config.bin %> trials logs t000003 --follow',
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
    follow: Flags.boolean({
      char: 'f',
      summary: 'Go on with what is said, until the trial has ended.',
      env: variableOf('follow'),
      exclusive: ['json'],
      default: false,
    }),
  };
  static get answer() {
    return TrialsLogsAnswer;
  }

  async run(): Promise<TrialsLogsAnswer> {
    if (this.flags.follow) return this.#follow();
    const { findTrial } = await import('../../services/find-trial.js');
    const lines = await this.withController(async (client) => {
      const { spec, record } = await findTrial(client, this.args.trial, this.flags.sweep);
      if (record.state === 'running') {
        this.tell(
          `Still running: what was said in the last half minute may be missing; --follow tells it as it comes.`,
        );
      }
      return client.request('trials.logs', { sweep: spec.sweep, trial: spec.trial });
    });
    const { attempt } = this.flags;
    const wanted = attempt === undefined ? lines : lines.filter((line) => line.attempt === attempt);
    return this.reply(TrialsLogs.answer, wanted, renderLogs);
  }

  async #follow(): Promise<TrialsLogsAnswer> {
    const { findTrial } = await import('../../services/find-trial.js');
    const { followLogs } = await import('../../services/follow-logs.js');
    const { listenForInterrupts } = await import('../../services/interrupts.js');
    const { REAL_PACE } = await import('../../services/pace.js');
    const { attempt, sweep: within } = this.flags;
    const interrupts = listenForInterrupts(process);
    try {
      await this.withController(async (connected) => {
        const client = connected.watching({ say: (line) => this.tell(line), signal: interrupts.gentle });
        const { spec } = await findTrial(client, this.args.trial, within);
        const { sweep, trial } = spec;
        const onLine = (line: LogLine) => this.print(renderLogLine(line, this.style));
        await followLogs({ client, sweep, trial, attempt, onLine, pace: REAL_PACE, signal: interrupts.gentle });
      });
    } finally {
      interrupts.release();
    }
    if (interrupts.gentle.aborted) this.endWith(EXIT_CODES.interrupted);
    return [];
  }
}
