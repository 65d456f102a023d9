import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { DatasetsShareAnswer } from '../../answers/datasets.js';
import { datasetArgument } from '../../arguments.js';
import { AdctlCommand } from '../../base-command.js';
import { variableOf } from '../../flags.js';
import { renderShared } from '../../render/datasets.js';

export default class DatasetsShare extends AdctlCommand<typeof DatasetsShare> {
  static override summary =
    'Put a data set into the object store that ADCTL_OBJECTS and ADCTL_S3_* name, where controller and workers of a cluster find it.';
  static override description =
    'Takes a fetched data set from the cache, or a folder of your own with --root; a sweep names the folder by the root that is printed. Files go there by their content, each once.';
  static override examples = [
    'ADCTL_OBJECTS=s3 ADCTL_S3_BUCKET=adctl <%= config.bin %> datasets share mnist',
    {
      description: 'A folder of your own',
      command: 'ADCTL_OBJECTS=s3 ADCTL_S3_BUCKET=adctl <%= config.bin %> datasets share mvtec --root ./mvtec',
    },
  ];
  static override args = { dataset: datasetArgument };
  static override flags = {
    root: Flags.string({
      summary: 'The folder of the images; without it, the cache.',
      env: variableOf('root'),
      helpValue: 'DIR',
    }),
    force: Flags.boolean({
      summary: 'Write again what is there already, for a store that damaged it.',
      env: variableOf('force'),
      default: false,
    }),
  };
  static get answer() {
    return DatasetsShareAnswer;
  }

  async run(): Promise<DatasetsShareAnswer> {
    const { findDataset } = await import('@adctl/datasets');
    const { cacheDir } = await import('../../environment.js');
    const { objectPlace } = await import('../../object-environment.js');
    const { createFetchView } = await import('../../services/fetch-view.js');
    const { shareDatasetAt } = await import('../../services/share-dataset.js');
    const { root, force } = this.flags;
    const card = findDataset(this.args.dataset);
    const place = objectPlace();
    const view = createFetchView(process.stderr, !this.tellsStory);
    const shared = await shareDatasetAt(card, {
      place,
      cacheDir: cacheDir(),
      force,
      onProgress: view.onProgress,
      ...(root === undefined ? {} : { root: resolve(root) }),
    }).finally(view.close);
    return this.reply(DatasetsShare.answer, shared, renderShared);
  }
}
