import { ContextsListAnswer } from '../../answers/contexts.js';
import { AdctlCommand } from '../../base-command.js';
import { renderContexts } from '../../render/contexts.js';

export default class ContextsList extends AdctlCommand<typeof ContextsList> {
  static override summary = 'List the clusters this user knows, and which one is in use.';
  static override description =
    'Commands talk to the cluster in use. With none in use, with --local, and without contexts, they work in the folder.';
  static override examples = ['<%= config.bin %> contexts list'];
  static get answer() {
    return ContextsListAnswer;
  }

  async run(): Promise<ContextsListAnswer> {
    const { contextFilePath } = await import('../../environment.js');
    const { listContexts } = await import('../../services/contexts/manage-contexts.js');
    return this.reply(ContextsList.answer, await listContexts(contextFilePath()), renderContexts);
  }
}
