import { Args } from '@oclif/core';
import { ContextAnswer } from '../../answers/contexts.js';
import { AdctlCommand } from '../../base-command.js';
import { renderContext } from '../../render/contexts.js';

export default class ContextsUse extends AdctlCommand<typeof ContextsUse> {
  static override summary = 'Use a context from now on.';
  static override examples = ['<%= config.bin %> contexts use lab'];
  static override args = {
    name: Args.string({ required: true, description: 'Name of the context; adctl contexts list prints them.' }),
  };
  static get answer() {
    return ContextAnswer;
  }

  async run(): Promise<ContextAnswer> {
    const { contextFilePath } = await import('../../environment.js');
    const { switchContext } = await import('../../services/contexts/manage-contexts.js');
    return this.reply(ContextsUse.answer, await switchContext(contextFilePath(), this.args.name), renderContext);
  }
}
