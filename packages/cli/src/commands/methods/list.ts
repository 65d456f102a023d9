import { MethodsListAnswer } from '../../answers/methods.js';
import { AdctlCommand } from '../../base-command.js';
import { renderMethods } from '../../render/methods.js';

export default class MethodsList extends AdctlCommand<typeof MethodsList> {
  static override summary = 'List the methods that can be trained.';
  static override examples = ['<%= config.bin %> methods list', '<%= config.bin %> methods list --json'];
  static get answer() {
    return MethodsListAnswer;
  }

  async run(): Promise<MethodsListAnswer> {
    const { METHODS } = await import('@adctl/methods');
    const { summarizeMethod } = await import('../../services/methods.js');
    return this.reply(MethodsList.answer, METHODS.map(summarizeMethod), renderMethods);
  }
}
