import { Args, Flags } from '@oclif/core';
import { BackbonesImportAnswer } from '../../answers/backbones.js';
import { AdctlCommand } from '../../base-command.js';
import { variableOf } from '../../flags.js';
import { renderImported } from '../../render/backbones.js';

const NAMES = ['vgg16', 'vgg16-caffe', 'resnet18', 'efficientnet-lite0', 'efficientnet-lite0-torch'] as const;

export default class BackbonesImport extends AdctlCommand<typeof BackbonesImport> {
  static override summary =
    'Put pretrained weights into the cache: a safetensors file with the names of torchvision or timm.';
  static override examples = [
    '<%= config.bin %> backbones import resnet18.safetensors',
    {
      description: 'From a server, pinned by its digest',
      command: '<%= config.bin %> backbones import https://example.org/vgg16.safetensors --sha256 0123…',
    },
    {
      description: 'For the workers of a cluster as well',
      command: 'ADCTL_OBJECTS=s3 ADCTL_S3_BUCKET=adctl <%= config.bin %> backbones import vgg16.safetensors --share',
    },
  ];
  static override args = {
    source: Args.string({ required: true, description: 'Path, or http, https or s3 address, of the file.' }),
  };
  static override flags = {
    sha256: Flags.string({
      summary: 'Digest that the file must have; needed for everything that comes over a network.',
      env: variableOf('sha256'),
      helpValue: 'DIGEST',
    }),
    share: Flags.boolean({
      summary:
        'Also put them into the object store that ADCTL_OBJECTS and ADCTL_S3_* name, where the workers of a cluster find them.',
      env: variableOf('share'),
      default: false,
    }),
    as: Flags.option({ options: NAMES })({
      summary: 'The architecture, where the tensors fit several.',
      env: variableOf('as'),
    }),
  };
  static get answer() {
    return BackbonesImportAnswer;
  }

  async run(): Promise<BackbonesImportAnswer> {
    const { cacheDir } = await import('../../environment.js');
    const { bucketSettings, objectPlace } = await import('../../object-environment.js');
    const { createFetchView } = await import('../../services/fetch-view.js');
    const { importBackbone } = await import('../../services/import-backbone.js');
    const { sha256, as, share } = this.flags;
    const view = createFetchView(process.stderr, !this.tellsStory);
    const imported = await importBackbone({
      source: this.args.source,
      cacheDir: cacheDir(),
      bucketSettings,
      onProgress: view.onProgress,
      ...(sha256 === undefined ? {} : { sha256: sha256.toLowerCase() }),
      ...(as === undefined ? {} : { as }),
      ...(share ? { share: objectPlace() } : {}),
    }).finally(view.close);
    return this.reply(BackbonesImport.answer, imported, renderImported);
  }
}
