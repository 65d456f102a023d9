import { Flags } from '@oclif/core';
import { AdminRebuildAnswer } from '../../answers/admin.js';
import { ControllerCommand } from '../../controller-command.js';
import { variableOf } from '../../flags.js';
import { renderRebuild, renderRebuildProgress } from '../../render/admin.js';

export default class AdminRebuild extends ControllerCommand<typeof AdminRebuild> {
  static override summary = 'Make lost records of sweeps and trials again from the object store alone.';
  static override description = [
    'For when the state store was lost: results, failed attempts and checkpoints tell which sweeps and trials there were and how they ended.',
    'What has a record is left as it is, so it may be repeated. Trials that were waiting or running are queued again and continue from their newest checkpoint.',
  ].join('\n\n');
  static override examples = ['<%= config.bin %> admin rebuild'];
  static override flags = {
    force: Flags.boolean({
      summary: 'Rebuild although trials are running.',
      env: variableOf('force'),
      default: false,
    }),
  };
  static get answer() {
    return AdminRebuildAnswer;
  }

  async run(): Promise<AdminRebuildAnswer> {
    const { followJob } = await import('../../services/admin-job.js');
    const { force } = this.flags;
    const progress = await this.withController((client) =>
      followJob(
        (start) => client.request('admin.rebuild', { start, force }),
        (now) => this.tell(renderRebuildProgress(now)),
      ),
    );
    return this.reply(AdminRebuild.answer, progress, renderRebuild);
  }
}
