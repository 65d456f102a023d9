import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { DatasetsShowAnswer } from '../../answers/datasets.js';
import { datasetArgument } from '../../arguments.js';
import { AdctlCommand } from '../../base-command.js';
import { variableOf } from '../../flags.js';
import { renderDataset } from '../../render/datasets.js';

export default class DatasetsShow extends AdctlCommand<typeof DatasetsShow> {
  static override summary = 'Show one data set: origin, licence, digest, images per class.';
  static override examples = [
    '<%= config.bin %> datasets show mnist',
    {
      description: 'A folder of your own: categories, defects, masks and sizes',
      command: '<%= config.bin %> datasets show mvtec --root ./mvtec',
    },
  ];
  static override args = { dataset: datasetArgument };
  static override flags = {
    root: Flags.string({
      summary: 'Look into this folder, as dataset.root of a sweep file names it.',
      env: variableOf('root'),
      helpValue: 'DIR',
    }),
  };
  static get answer() {
    return DatasetsShowAnswer;
  }

  async run(): Promise<DatasetsShowAnswer> {
    const { findDataset } = await import('@adctl/datasets');
    const { describeDataset } = await import('../../services/datasets.js');
    const { cacheDir } = await import('../../environment.js');
    const root = this.flags.root === undefined ? undefined : resolve(this.flags.root);
    const dataset = await describeDataset(findDataset(this.args.dataset), cacheDir(), root);
    return this.reply(DatasetsShow.answer, dataset, renderDataset);
  }
}
