import { Flags } from '@oclif/core';
import { AdminGcAnswer } from '../../answers/admin.js';
import { ControllerCommand } from '../../controller-command.js';
import { variableOf } from '../../flags.js';
import { renderGc, renderGcProgress } from '../../render/admin.js';

export default class AdminGc extends ControllerCommand<typeof AdminGc> {
  static override summary = 'Clear checkpoints away that nobody needs any more.';
  static override description = [
    'Kept are: of trials that may continue the last two, the best and the newest known; a week after the end of a sweep its report trials and ten best search trials. Never deleted: what is younger than a day, and what a running attempt writes.',
    'Results, logs and artifacts stay. A controller in a cluster does this by itself once a day.',
  ].join('\n\n');
  static override examples = ['<%= config.bin %> admin gc --dry-run'];
  static override flags = {
    'dry-run': Flags.boolean({
      summary: 'Delete nothing; tell what would go and why.',
      env: variableOf('dry-run'),
      default: false,
    }),
  };
  static get answer() {
    return AdminGcAnswer;
  }

  async run(): Promise<AdminGcAnswer> {
    const { followJob } = await import('../../services/admin-job.js');
    const dryRun = this.flags['dry-run'];
    const progress = await this.withController((client) =>
      followJob(
        (start) => client.request('admin.gc', { start, dryRun }),
        (now) => this.tell(renderGcProgress(now)),
      ),
    );
    return this.reply(AdminGc.answer, progress, renderGc);
  }
}
