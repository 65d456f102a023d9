import { Flags } from '@oclif/core';
import { NatsUsersAnswer } from '../../answers/nats-users.js';
import { AdctlCommand } from '../../base-command.js';
import { variableOf } from '../../flags.js';
import { renderNatsUsers } from '../../render/nats-users.js';

export default class AdminNatsUsers extends AdctlCommand<typeof AdminNatsUsers> {
  static override summary = "Make the users of a cluster's NATS server: keys, and what each may do.";
  static override description =
    'Every user gets an nkey. Seeds are secrets: each goes into a file of its own that only you may read. The block for the server holds public keys and the least permissions of each role.';
  static override examples = [
    '<%= config.bin %> admin nats-users --out keys --pool gpu-spot=gpu24 --pool gpu=gpu24 --pool cpu --user alice --admin carol',
    '<%= config.bin %> admin nats-users --out keys --class cpu --class gpu80 --user alice --namespace lab --json',
  ];
  static override flags = {
    out: Flags.string({
      summary: 'Folder for the files; nothing in it is overwritten.',
      env: variableOf('out'),
      required: true,
      helpValue: 'FOLDER',
    }),
    pool: Flags.string({
      summary:
        'A pool of workers, which gets a credential of its own, and its class if that has another name; may be given several times.',
      env: variableOf('pool'),
      atLeastOne: ['pool', 'class'],
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'NAME[=CLASS]',
    }),
    class: Flags.string({
      summary:
        'Class of trials for one credential that workers of all pools share, instead of --pool; weaker. May be given several times.',
      env: variableOf('class'),
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'NAME',
    }),
    user: Flags.string({
      summary: 'Somebody who uses adctl, and owns what he or she submits; may be given several times.',
      env: variableOf('user'),
      multiple: true,
      multipleNonGreedy: true,
      default: [],
      helpValue: 'NAME',
    }),
    admin: Flags.string({
      summary:
        "Somebody who may also run `adctl admin gc` and `adctl admin rebuild`, and change others' sweeps; may be given several times.",
      env: variableOf('admin'),
      multiple: true,
      multipleNonGreedy: true,
      default: [],
      helpValue: 'NAME',
    }),
    namespace: Flags.string({
      summary: 'Deployment on a server that several share. Default: ad.',
      env: variableOf('namespace'),
      helpValue: 'NAME',
    }),
  };
  static get answer() {
    return NatsUsersAnswer;
  }

  async run(): Promise<NatsUsersAnswer> {
    const { resolve } = await import('node:path');
    const { makeNatsUsers, parsePool } = await import('../../services/nats-users.js');
    const { out, pool = [], class: classes = [], user: people, admin: admins, namespace } = this.flags;
    const pools = pool.map(parsePool);
    const made = await makeNatsUsers({ folder: resolve(out), pools, classes, people, admins, namespace });
    return this.reply(AdminNatsUsers.answer, made, renderNatsUsers);
  }
}
