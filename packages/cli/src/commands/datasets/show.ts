import { DatasetsShowAnswer } from '../../answers/datasets.js';
import { datasetArgument } from '../../arguments.js';
import { AdctlCommand } from '../../base-command.js';
import { renderDataset } from '../../render/datasets.js';

export default class DatasetsShow extends AdctlCommand<typeof DatasetsShow> {
  static override summary = 'Show one data set: origin, licence, digest, images per class.';
  static override examples = ['<%= config.bin %> datasets show mnist'];
  static override args = { dataset: datasetArgument };
  static get answer() {
    return DatasetsShowAnswer;
  }

  async run(): Promise<DatasetsShowAnswer> {
    const { findDataset } = await import('@adctl/datasets');
    const { describeDataset } = await import('../../services/datasets.js');
    const { cacheDir } = await import('../../environment.js');
    const dataset = await describeDataset(findDataset(this.args.dataset), cacheDir());
    return this.reply(DatasetsShow.answer, dataset, renderDataset);
  }
}
