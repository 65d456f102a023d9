import { FailureClass } from '@adctl/protocol';
import { Flags } from '@oclif/core';
import { SweepsRetryAnswer } from '../../answers/sweeps.js';
import { sweepArgument } from '../../arguments.js';
import { ControllerCommand } from '../../controller-command.js';
import { variableOf } from '../../flags.js';
import { counted } from '../../render/values.js';

export default class SweepsRetry extends ControllerCommand<typeof SweepsRetry> {
  static override summary = 'Run the failed trials of a sweep again, as a new generation of each.';
  static override description =
    'The earlier result stays as evidence. The trials run when workers do: with adctl dev, or when adctl sweep is run on the same file again.';
  static override examples = [
    '<%= config.bin %> sweeps retry ocgan-mnist',
    {
      description: 'Only what ran out of memory',
      command: '<%= config.bin %> sweeps retry ocgan-mnist --class oom-host --class oom-gpu',
    },
  ];
  static override args = { sweep: sweepArgument };
  static override flags = {
    class: Flags.option({ options: FailureClass.options, multiple: true, multipleNonGreedy: true })({
      summary: 'Only trials whose last failure is of this class; may be given several times.',
      env: variableOf('class'),
    }),
  };
  static get answer() {
    return SweepsRetryAnswer;
  }

  async run(): Promise<SweepsRetryAnswer> {
    const { findSweep } = await import('../../services/find-sweep.js');
    const classes = this.flags.class;
    const answer = await this.withController(async (client) => {
      const { sweep } = await findSweep(client, this.args.sweep);
      return client.request('sweeps.retry', classes === undefined ? { sweep } : { sweep, classes });
    });
    return this.reply(SweepsRetry.answer, answer, ({ retried }) => `${counted(retried, 'trial')} queued again.`);
  }
}
