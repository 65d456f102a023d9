import { Args, Flags } from '@oclif/core';
import { MethodShowAnswer } from '../../answers/methods.js';
import { AdctlCommand } from '../../base-command.js';
import { variableOf } from '../../flags.js';
import { renderMethod } from '../../render/methods.js';

const PRESETS = ['paper', 'default', 'quick'] as const;

export default class MethodsShow extends AdctlCommand<typeof MethodsShow> {
  static override summary = 'Show one method: paper, evidence, hyperparameters, networks with parameter counts.';
  static override examples = [
    '<%= config.bin %> methods show ocgan',
    {
      description: 'Networks for colour images of 32 x 32 pixels',
      command: '<%= config.bin %> methods show ocgan --input 32x32x3',
    },
  ];
  static override args = {
    method: Args.string({ required: true, description: 'Id of the method; `adctl methods list` prints them.' }),
  };
  static override flags = {
    input: Flags.string({
      summary: 'Size of the images: height x width in pixels x channels (1 or 3).',
      env: variableOf('input'),
      default: '28x28x1',
      helpValue: 'HxWxC',
    }),
    preset: Flags.option({ options: PRESETS })({
      summary: 'Preset whose hyperparameters shape the networks.',
      env: variableOf('preset'),
      default: 'default',
    }),
  };
  static get answer() {
    return MethodShowAnswer;
  }

  async run(): Promise<MethodShowAnswer> {
    const { findMethod } = await import('@adctl/methods');
    const { describeMethod } = await import('../../services/methods.js');
    const { parseInput } = await import('../../services/parse-input.js');
    const method = describeMethod(findMethod(this.args.method), parseInput(this.flags.input), this.flags.preset);
    return this.reply(MethodsShow.answer, method, renderMethod);
  }
}
