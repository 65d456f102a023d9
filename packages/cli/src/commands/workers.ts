import { WorkersAnswer } from '../answers/workers.js';
import { AdctlCommand } from '../base-command.js';
import { renderWorkers } from '../render/workers.js';

export default class Workers extends AdctlCommand<typeof Workers> {
  static override summary = 'Show the workers of the cluster or of this folder: what they train, with which engine.';
  static override examples = ['<%= config.bin %> workers'];
  static get answer() {
    return WorkersAnswer;
  }

  async run(): Promise<WorkersAnswer> {
    const { listWorkers } = await import('../services/list-workers.js');
    return this.reply(Workers.answer, await listWorkers(await this.target()), renderWorkers);
  }
}
