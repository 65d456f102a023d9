import { Flags } from '@oclif/core';
import { DevAnswer } from '../answers/dev.js';
import { workerFlags } from '../arguments.js';
import { ControllerCommand } from '../controller-command.js';
import { variableOf } from '../flags.js';
import { duration } from '../render/values.js';
import type { OpenDev } from '../services/run-dev.js';

export default class Dev extends ControllerCommand<typeof Dev> {
  static override summary = 'Keep a controller and its workers running in this folder, and show what they do.';
  static override description =
    'Commands in other terminals of the same folder find it and use it. With --nats it is a cluster in small: commands reach it by the context "dev", which exists as long as it runs. Ctrl-C lets running trials save a checkpoint and ends it; they continue next time.';
  static override examples = [
    '<%= config.bin %> dev',
    '<%= config.bin %> dev --slots 2 --threads 1',
    '<%= config.bin %> dev --nats --workers 2',
  ];
  static override flags = {
    ...workerFlags,
    flavour: Flags.option({ options: ['cpu', 'gpu'] as const })({
      summary: 'Which TensorFlow engine trains.',
      env: variableOf('flavour'),
      default: 'cpu',
    }),
    nats: Flags.boolean({
      summary:
        'Run a whole cluster on this machine: a nats-server, a controller process, worker processes, and a context.',
      env: variableOf('nats'),
      default: false,
    }),
    'nats-server': Flags.string({
      summary: 'With --nats: the nats-server program. Default: the one on the PATH.',
      env: variableOf('nats-server'),
      helpValue: 'FILE',
      dependsOn: ['nats'],
    }),
    workers: Flags.integer({
      summary: 'With --nats: worker processes. Default: 1.',
      env: variableOf('workers'),
      min: 1,
      helpValue: 'NUMBER',
      dependsOn: ['nats'],
    }),
    's3-bucket': Flags.string({
      summary: 'With --nats: keep objects in this bucket instead of a folder. Credentials as for the AWS command line.',
      env: variableOf('s3-bucket'),
      helpValue: 'NAME',
      dependsOn: ['nats'],
    }),
    's3-endpoint': Flags.string({
      summary: "With --s3-bucket: another vendor's store.",
      env: variableOf('s3-endpoint'),
      helpValue: 'URL',
      dependsOn: ['s3-bucket'],
    }),
    'until-idle': Flags.boolean({
      summary: 'End once the sweeps that were started have ended.',
      env: variableOf('until-idle'),
      default: false,
    }),
  };
  static get answer() {
    return DevAnswer;
  }

  async run(): Promise<DevAnswer> {
    const { runDev } = await import('../services/run-dev.js');
    const { slots, threads, flavour, nats, workers } = this.flags;
    const open = nats ? this.#openCluster(workers) : undefined;
    const answer = await this.withProgress((view, interrupts) =>
      runDev({
        directory: this.directory,
        logLevel: this.logLevel,
        workers: { slots, threads, flavour },
        untilIdle: this.flags['until-idle'],
        view,
        interrupts,
        ...(open === undefined ? {} : { open }),
      }),
    );
    return this.reply(Dev.answer, answer, ({ seconds }) => `Stopped after ${duration(seconds)}.`);
  }

  #openCluster(workers = 1): OpenDev {
    const { 'nats-server': server, 's3-bucket': bucket, 's3-endpoint': endpoint } = this.flags;
    return async (options) => {
      const { startLocalCluster } = await import('../services/dev-nats/start-local-cluster.js');
      return startLocalCluster({ ...options, server, processes: workers, bucket, endpoint });
    };
  }
}
