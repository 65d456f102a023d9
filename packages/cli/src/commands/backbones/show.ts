import { Args } from '@oclif/core';
import { BackbonesShowAnswer } from '../../answers/backbones.js';
import { AdctlCommand } from '../../base-command.js';
import { renderBackbone } from '../../render/backbones.js';

export default class BackbonesShow extends AdctlCommand<typeof BackbonesShow> {
  static override summary = 'Show one backbone: parameters, normalisation, features, and weights if a digest is given.';
  static override examples = ['<%= config.bin %> backbones show resnet18'];
  static override args = {
    backbone: Args.string({
      required: true,
      description:
        'Name, or digest of weights in the cache (the first six digits are enough); `adctl backbones list` prints both.',
    }),
  };
  static get answer() {
    return BackbonesShowAnswer;
  }

  async run(): Promise<BackbonesShowAnswer> {
    const { showBackbone } = await import('../../services/backbones.js');
    const { cacheDir } = await import('../../environment.js');
    return this.reply(BackbonesShow.answer, await showBackbone(this.args.backbone, cacheDir()), renderBackbone);
  }
}
