import { Flags } from '@oclif/core';
import { SchemaAnswer } from '../answers/schema.js';
import { AdctlCommand } from '../base-command.js';
import { variableOf } from '../flags.js';

export default class Schema extends AdctlCommand<typeof Schema> {
  static override summary = 'Print the JSON Schema of the sweep file, for completion in editors.';
  static override description =
    'Editors with a YAML language server use it through a first line such as: # yaml-language-server: $schema=./sweep.schema.json';
  static override examples = ['<%= config.bin %> schema', '<%= config.bin %> schema --output sweep.schema.json'];
  static override flags = {
    output: Flags.string({
      summary: 'Write it to this file instead of stdout.',
      env: variableOf('output'),
      helpValue: 'FILE',
    }),
  };
  static get answer() {
    return SchemaAnswer;
  }

  async run(): Promise<SchemaAnswer> {
    const { createSweepJsonSchema } = await import('@adctl/protocol');
    const { writeText } = await import('../services/write-text.js');
    const schema = createSweepJsonSchema();
    const text = `${JSON.stringify(schema, null, 2)}\n`;
    const { output } = this.flags;
    if (output !== undefined) await writeText(output, text);
    return this.reply(Schema.answer, schema, () => (output === undefined ? text : `Written to ${output}`));
  }
}
