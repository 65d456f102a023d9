import { Flags } from '@oclif/core';
import { SweepsListAnswer } from '../../answers/sweeps.js';
import { ControllerCommand } from '../../controller-command.js';
import { variableOf } from '../../flags.js';
import { renderSweeps } from '../../render/sweeps.js';

export default class SweepsList extends ControllerCommand<typeof SweepsList> {
  static override summary = 'List the sweeps of the cluster or of this folder, newest first.';
  static override examples = ['<%= config.bin %> sweeps list', '<%= config.bin %> sweeps list --active'];
  static override flags = {
    active: Flags.boolean({ summary: 'Only sweeps that have not ended.', env: variableOf('active'), default: false }),
  };
  static get answer() {
    return SweepsListAnswer;
  }

  async run(): Promise<SweepsListAnswer> {
    const filter = this.flags.active ? { active: true } : {};
    const sweeps = await this.withController((client) => client.request('sweeps.list', filter));
    return this.reply(SweepsList.answer, sweeps, renderSweeps);
  }
}
