import { Args } from '@oclif/core';
import { ContextAnswer } from '../../answers/contexts.js';
import { AdctlCommand } from '../../base-command.js';
import { renderContext } from '../../render/contexts.js';

export default class ContextsRemove extends AdctlCommand<typeof ContextsRemove> {
  static override summary = 'Remove a context; the files it names stay.';
  static override examples = ['<%= config.bin %> contexts remove lab'];
  static override args = {
    name: Args.string({ required: true, description: 'Name of the context; adctl contexts list prints them.' }),
  };
  static get answer() {
    return ContextAnswer;
  }

  async run(): Promise<ContextAnswer> {
    const { contextFilePath } = await import('../../environment.js');
    const { removeContext } = await import('../../services/contexts/manage-contexts.js');
    return this.reply(ContextsRemove.answer, await removeContext(contextFilePath(), this.args.name), renderContext);
  }
}
