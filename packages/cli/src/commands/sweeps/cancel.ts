import { Flags } from '@oclif/core';
import { SweepAnswer } from '../../answers/sweeps.js';
import { sweepArgument } from '../../arguments.js';
import { ControllerCommand } from '../../controller-command.js';
import { AS_ADMIN_FLAG, variableOf } from '../../flags.js';
import { renderSweep } from '../../render/sweeps.js';

export default class SweepsCancel extends ControllerCommand<typeof SweepsCancel> {
  static override summary = 'End a sweep: running trials save a checkpoint and stop, the rest never starts.';
  static override description =
    'Finished trials keep their results. Running ones get the deadline to save a checkpoint; with --now they are stopped at once. In a cluster only its owner may do this, or an admin with --as-admin.';
  static override examples = [
    '<%= config.bin %> sweeps cancel ocgan-mnist',
    '<%= config.bin %> sweeps cancel ocgan-mnist --now',
  ];
  static override args = { sweep: sweepArgument };
  static override flags = {
    ...AS_ADMIN_FLAG,
    now: Flags.boolean({
      summary: 'Stop running trials at once, without a checkpoint.',
      env: variableOf('now'),
      default: false,
    }),
    'deadline-seconds': Flags.integer({
      summary: 'Seconds that running trials get to save a checkpoint.',
      env: variableOf('deadline-seconds'),
      min: 1,
      helpValue: 'SECONDS',
      exclusive: ['now'],
    }),
  };
  static get answer() {
    return SweepAnswer;
  }

  async run(): Promise<SweepAnswer> {
    const as = { asAdmin: this.flags['as-admin'] };
    const { findSweep } = await import('../../services/find-sweep.js');
    const deadlineSeconds = this.flags['deadline-seconds'];
    const summary = await this.withController(async (client) => {
      const { sweep } = await findSweep(client, this.args.sweep);
      return client.change(
        'sweeps.cancel',
        {
          sweep,
          now: this.flags.now,
          ...(deadlineSeconds ? { deadlineSeconds } : {}),
        },
        as,
      );
    });
    return this.reply(SweepsCancel.answer, summary, renderSweep);
  }
}
