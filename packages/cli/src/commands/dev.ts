import { Flags } from '@oclif/core';
import { DevAnswer } from '../answers/dev.js';
import { workerFlags } from '../arguments.js';
import { ControllerCommand } from '../controller-command.js';
import { variableOf } from '../flags.js';
import { duration } from '../render/values.js';

export default class Dev extends ControllerCommand<typeof Dev> {
  static override summary = 'Keep a controller and its workers running in this folder, and show what they do.';
  static override description =
    'Commands in other terminals of the same folder find it and use it. Ctrl-C lets running trials save a checkpoint and ends it; they continue next time.';
  static override examples = ['<%= config.bin %> dev', '<%= config.bin %> dev --slots 2 --threads 1'];
  static override flags = {
    ...workerFlags,
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
    const { slots, threads, flavour } = this.flags;
    const answer = await this.withProgress((view, interrupts) =>
      runDev({
        directory: this.directory,
        logLevel: this.logLevel,
        workers: { slots, threads, flavour },
        untilIdle: this.flags['until-idle'],
        view,
        interrupts,
      }),
    );
    return this.reply(Dev.answer, answer, ({ seconds }) => `Stopped after ${duration(seconds)}.`);
  }
}
