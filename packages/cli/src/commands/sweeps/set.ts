import { userError } from '@adctl/protocol';
import { Flags } from '@oclif/core';
import { SweepAnswer } from '../../answers/sweeps.js';
import { sweepArgument } from '../../arguments.js';
import { ControllerCommand } from '../../controller-command.js';
import { AS_ADMIN_FLAG, variableOf } from '../../flags.js';
import { renderSweep } from '../../render/sweeps.js';

export default class SweepsSet extends ControllerCommand<typeof SweepsSet> {
  static override summary = 'Change how many trials of a sweep run at once, or its priority, while it runs.';
  static override description =
    'Fewer parallel trials stop none that runs. A new priority holds for trials that wait in the work queue too. In a cluster only its owner may do this, or an admin with --as-admin.';
  static override examples = [
    '<%= config.bin %> sweeps set ocgan-mnist --parallel 16',
    '<%= config.bin %> sweeps set ocgan-mnist --priority high',
  ];
  static override args = { sweep: sweepArgument };
  static override flags = {
    ...AS_ADMIN_FLAG,
    parallel: Flags.integer({
      summary: 'Most trials dispatched or running at once.',
      env: variableOf('parallel'),
      min: 1,
      helpValue: 'N',
    }),
    priority: Flags.option({ options: ['high', 'normal', 'low'] as const })({
      summary: 'Which sweep goes first when several wait.',
      env: variableOf('priority'),
    }),
  };
  static get answer() {
    return SweepAnswer;
  }

  async run(): Promise<SweepAnswer> {
    const { parallel, priority } = this.flags;
    if (parallel === undefined && priority === undefined) {
      throw userError('bad_usage', 'nothing to set', { hint: 'Give --parallel, --priority, or both.' });
    }
    const as = { asAdmin: this.flags['as-admin'] };
    const { findSweep } = await import('../../services/find-sweep.js');
    const summary = await this.withController(async (client) => {
      const { sweep } = await findSweep(client, this.args.sweep);
      return client.change(
        'sweeps.set',
        {
          sweep,
          ...(parallel === undefined ? {} : { parallel }),
          ...(priority === undefined ? {} : { priority }),
        },
        as,
      );
    });
    return this.reply(SweepsSet.answer, summary, renderSweep);
  }
}
