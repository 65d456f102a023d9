import { FailureClass, RetriableState } from '@adctl/protocol';
import { Flags } from '@oclif/core';
import { SweepsRetryAnswer } from '../../answers/sweeps.js';
import { sweepArgument } from '../../arguments.js';
import { ControllerCommand } from '../../controller-command.js';
import { AS_ADMIN_FLAG, variableOf } from '../../flags.js';
import { counted } from '../../render/values.js';

export default class SweepsRetry extends ControllerCommand<typeof SweepsRetry> {
  static override summary = 'Run the failed trials of a sweep again, as a new generation of each.';
  static override description =
    'The earlier result stays as evidence, and leaderboards go on counting its failures. Diverged trials run again only when --state names them: divergence is what training came to. The trials run when workers do: with adctl dev, or when adctl sweep is run on the same file again. In a cluster only its owner may do this, or an admin with --as-admin.';
  static override examples = [
    '<%= config.bin %> sweeps retry ocgan-mnist',
    {
      description: 'Also what diverged',
      command: '<%= config.bin %> sweeps retry ocgan-mnist --state failed --state diverged',
    },
    {
      description: 'Only what ran out of memory',
      command: '<%= config.bin %> sweeps retry ocgan-mnist --class oom-host --class oom-gpu',
    },
  ];
  static override args = { sweep: sweepArgument };
  static override flags = {
    ...AS_ADMIN_FLAG,
    state: Flags.option({ options: RetriableState.options, multiple: true, multipleNonGreedy: true })({
      summary: 'Only trials that ended so; may be given several times. Default: all but diverged.',
      env: variableOf('state'),
    }),
    class: Flags.option({ options: FailureClass.options, multiple: true, multipleNonGreedy: true })({
      summary: 'Only trials whose last failure is of this class; may be given several times.',
      env: variableOf('class'),
    }),
  };
  static get answer() {
    return SweepsRetryAnswer;
  }

  async run(): Promise<SweepsRetryAnswer> {
    const as = { asAdmin: this.flags['as-admin'] };
    const { findSweep } = await import('../../services/find-sweep.js');
    const { state: states, class: classes } = this.flags;
    const answer = await this.withController(async (client) => {
      const { sweep } = await findSweep(client, this.args.sweep);
      return client.change(
        'sweeps.retry',
        {
          sweep,
          ...(states === undefined ? {} : { states }),
          ...(classes === undefined ? {} : { classes }),
        },
        as,
      );
    });
    return this.reply(SweepsRetry.answer, answer, ({ retried }) => `${counted(retried, 'trial')} queued again.`);
  }
}
