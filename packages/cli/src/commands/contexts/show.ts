import { Args } from '@oclif/core';
import { ContextAnswer } from '../../answers/contexts.js';
import { AdctlCommand } from '../../base-command.js';
import { renderContext } from '../../render/contexts.js';

export default class ContextsShow extends AdctlCommand<typeof ContextsShow> {
  static override summary = 'Show one context: servers, files, who to be.';
  static override examples = ['<%= config.bin %> contexts show lab'];
  static override args = {
    name: Args.string({ required: false, description: 'Name of the context; the one in use by default.' }),
  };
  static get answer() {
    return ContextAnswer;
  }

  async run(): Promise<ContextAnswer> {
    const { contextFilePath } = await import('../../environment.js');
    const { findContext } = await import('../../services/contexts/manage-contexts.js');
    return this.reply(ContextsShow.answer, await findContext(contextFilePath(), this.args.name), renderContext);
  }
}
