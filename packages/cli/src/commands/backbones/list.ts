import { BackbonesListAnswer } from '../../answers/backbones.js';
import { AdctlCommand } from '../../base-command.js';
import { renderBackbones } from '../../render/backbones.js';

export default class BackbonesList extends AdctlCommand<typeof BackbonesList> {
  static override summary = 'List the backbones that methods can look through, and the weights in the cache.';
  static override examples = ['<%= config.bin %> backbones list'];
  static get answer() {
    return BackbonesListAnswer;
  }

  async run(): Promise<BackbonesListAnswer> {
    const { listBackbones } = await import('../../services/backbones.js');
    const { cacheDir } = await import('../../environment.js');
    return this.reply(BackbonesList.answer, await listBackbones(cacheDir()), renderBackbones);
  }
}
