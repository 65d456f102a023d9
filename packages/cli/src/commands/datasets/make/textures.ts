import { Flags } from '@oclif/core';
import { DatasetsMakeTexturesAnswer } from '../../../answers/datasets.js';
import { AdctlCommand } from '../../../base-command.js';
import { variableOf } from '../../../flags.js';
import { renderMadeTextures } from '../../../render/datasets.js';

const number = (name: string, summary: string) =>
  Flags.integer({ summary, env: variableOf(name), helpValue: 'NUMBER' });

export default class DatasetsMakeTextures extends AdctlCommand<typeof DatasetsMakeTextures> {
  static override summary = 'Make a set of textures with defects and exact masks, in the MVTec AD layout.';
  static override description =
    'Same options, same bytes. Train on it with `dataset: { name: mvtec, root: DIR, protocol: mvtec }`.';
  static override examples = [
    '<%= config.bin %> datasets make textures --out textures',
    {
      description: 'Two families, larger images',
      command: '<%= config.bin %> datasets make textures --out big --size 256 --families mesh,wood',
    },
  ];
  static override flags = {
    out: Flags.string({
      summary: 'Folder to make; it may exist if it is empty.',
      env: variableOf('out'),
      required: true,
      helpValue: 'DIR',
    }),
    size: number('size', 'Pixels a side, 32 to 1024. Default: 64.'),
    seed: number('seed', 'Another seed gives other images of the same families. Default: 1.'),
    train: number('train', 'Good training images a family. Default: 120.'),
    test: number('test', 'Good test images a family. Default: 30.'),
    defective: number('defective', 'Defective test images a family; the kinds of defect come in turn. Default: 60.'),
    families: Flags.string({
      summary: 'Families to make, with commas between: mesh, weave, tile, wood, leather. Default: all.',
      env: variableOf('families'),
      helpValue: 'NAMES',
      multiple: true,
      delimiter: ',',
    }),
  };
  static get answer() {
    return DatasetsMakeTexturesAnswer;
  }

  async run(): Promise<DatasetsMakeTexturesAnswer> {
    const { makeTextures, TEXTURE_DEFAULTS } = await import('@adctl/datasets');
    const { createStepView } = await import('../../../services/step-view.js');
    const { out, size, seed, train, test, defective, families } = this.flags;
    const view = createStepView(process.stderr, !this.tellsStory);
    const made = await makeTextures({
      out,
      size: size ?? TEXTURE_DEFAULTS.size,
      seed: seed ?? TEXTURE_DEFAULTS.seed,
      train: train ?? TEXTURE_DEFAULTS.train,
      test: test ?? TEXTURE_DEFAULTS.test,
      defective: defective ?? TEXTURE_DEFAULTS.defective,
      ...(families === undefined ? {} : { families }),
      onProgress: ({ done, total }) => view.show('making textures', `${done} of ${total} images`),
    }).finally(view.close);
    return this.reply(DatasetsMakeTextures.answer, { ...made, families: [...made.families] }, renderMadeTextures);
  }
}
