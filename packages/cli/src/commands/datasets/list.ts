import { DatasetsListAnswer } from '../../answers/datasets.js';
import { AdctlCommand } from '../../base-command.js';
import { renderDatasets } from '../../render/datasets.js';

export default class DatasetsList extends AdctlCommand<typeof DatasetsList> {
  static override summary = 'List the data sets and whether they are in the cache.';
  static override examples = ['<%= config.bin %> datasets list'];
  static get answer() {
    return DatasetsListAnswer;
  }

  async run(): Promise<DatasetsListAnswer> {
    const { listDatasets } = await import('@adctl/datasets');
    const { summarizeDataset } = await import('../../services/datasets.js');
    const { cacheDir } = await import('../../environment.js');
    const datasets = await Promise.all(listDatasets().map((card) => summarizeDataset(card, cacheDir())));
    return this.reply(DatasetsList.answer, datasets, renderDatasets);
  }
}
