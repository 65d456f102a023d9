import { Args, Flags } from '@oclif/core';
import { ContextAnswer } from '../../answers/contexts.js';
import { AdctlCommand } from '../../base-command.js';
import { variableOf } from '../../flags.js';
import { renderContext } from '../../render/contexts.js';

export default class ContextsAdd extends AdctlCommand<typeof ContextsAdd> {
  static override summary = 'Add a cluster: where its NATS server is, and who to be there.';
  static override description =
    'The context holds paths of credential files, never a secret. The first context is used at once; --use switches to a later one.';
  static override examples = [
    '<%= config.bin %> contexts add lab --server tls://nats.lab:4222 --ca ca.pem --nkey-seed alice.nk --identity alice',
    '<%= config.bin %> contexts add prod --server nats://nats:4222 --creds alice.creds --use',
  ];
  static override args = { name: Args.string({ required: true, description: 'Name of the new context.' }) };
  static override flags = {
    server: Flags.string({
      summary: 'Address of the NATS server, nats:// or tls://; may be given several times.',
      env: variableOf('server'),
      required: true,
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'URL',
    }),
    identity: Flags.string({
      summary: 'The name that the server knows you by, and that owns your sweeps. Default: your user name.',
      env: variableOf('identity'),
      helpValue: 'NAME',
    }),
    namespace: Flags.string({
      summary: 'Deployment on a server that several share. Default: ad.',
      env: variableOf('namespace'),
      helpValue: 'NAME',
    }),
    ca: Flags.string({
      summary: "File with the authority that signed the server's certificate.",
      env: variableOf('ca'),
      helpValue: 'FILE',
    }),
    cert: Flags.string({
      summary: 'File with your own certificate, where the server asks for one.',
      env: variableOf('cert'),
      helpValue: 'FILE',
    }),
    key: Flags.string({
      summary: "File with that certificate's key.",
      env: variableOf('key'),
      helpValue: 'FILE',
      dependsOn: ['cert'],
    }),
    'nkey-seed': Flags.string({
      summary: 'File with your nkey seed.',
      env: variableOf('nkey-seed'),
      helpValue: 'FILE',
      exclusive: ['creds', 'user'],
    }),
    creds: Flags.string({
      summary: 'Your .creds file.',
      env: variableOf('creds'),
      helpValue: 'FILE',
      exclusive: ['nkey-seed', 'user'],
    }),
    user: Flags.string({
      summary: 'Your user name, where the server knows passwords.',
      env: variableOf('user'),
      helpValue: 'NAME',
      dependsOn: ['password-file'],
    }),
    'password-file': Flags.string({
      summary: 'File with your password.',
      env: variableOf('password-file'),
      helpValue: 'FILE',
      dependsOn: ['user'],
    }),
    use: Flags.boolean({ summary: 'Use it from now on.', env: variableOf('use'), default: false }),
    replace: Flags.boolean({
      summary: 'Replace a context of this name.',
      env: variableOf('replace'),
      default: false,
    }),
  };
  static get answer() {
    return ContextAnswer;
  }

  async run(): Promise<ContextAnswer> {
    const { contextFilePath } = await import('../../environment.js');
    const { addContext } = await import('../../services/contexts/manage-contexts.js');
    const { toContext } = await import('../../services/contexts/to-context.js');
    const { use, replace, server, identity, namespace, ca, cert, key, creds, user } = this.flags;
    const context = toContext({
      servers: server,
      identity,
      namespace,
      user,
      files: {
        caFile: ca,
        certFile: cert,
        keyFile: key,
        credsFile: creds,
        nkeySeedFile: this.flags['nkey-seed'],
        passwordFile: this.flags['password-file'],
      },
    });
    const added = await addContext(contextFilePath(), { name: this.args.name, context, use, replace });
    return this.reply(ContextsAdd.answer, added, renderContext);
  }
}
