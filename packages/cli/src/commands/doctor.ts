import { EXIT_CODES } from '@adctl/protocol';
import { Flags } from '@oclif/core';
import { DoctorAnswer } from '../answers/doctor.js';
import { AdctlCommand } from '../base-command.js';
import { variableOf } from '../flags.js';
import { renderDoctor } from '../render/doctor.js';
import type { NamedContext } from '../services/contexts/manage-contexts.js';

export default class Doctor extends AdctlCommand<typeof Doctor> {
  static override summary = 'Check everything a sweep needs, and say what mends it.';
  static override description =
    'Loads the TensorFlow engine in a process of its own and prints its version, hardware, threads and path. For a cluster (a context in use, or --context) it looks at the server, its users, the controller, the object store, clocks and workers instead. Exit code 1 when a check fails.';
  static override examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor --flavour gpu --json'];
  static override flags = {
    flavour: Flags.option({ options: ['cpu', 'gpu'] as const })({
      summary: 'Which engine to check.',
      env: variableOf('flavour'),
      default: 'cpu',
    }),
    threads: Flags.integer({
      summary: 'Threads to load the engine with; its own choice by default.',
      env: variableOf('threads'),
      min: 1,
      helpValue: 'NUMBER',
    }),
  };
  static get answer() {
    return DoctorAnswer;
  }

  async run(): Promise<DoctorAnswer> {
    const target = await this.target();
    const answer = target.kind === 'cluster' ? await this.#ofCluster(target.context) : await this.#ofMachine();
    if (answer.checks.some((check) => check.status === 'fail')) this.endWith(EXIT_CODES.someTrialsFailed);
    return this.reply(Doctor.answer, answer, renderDoctor);
  }

  async #ofMachine(): Promise<DoctorAnswer> {
    const { diagnose } = await import('../services/doctor.js');
    const { lookAround } = await import('../services/look-around.js');
    const { flavour, threads } = this.flags;
    return diagnose(lookAround({ adctl: this.config.version, directory: this.directory, flavour, threads }));
  }

  async #ofCluster(context: NamedContext): Promise<DoctorAnswer> {
    const { diagnoseCluster } = await import('../services/doctor-cluster.js');
    const { lookAroundCluster } = await import('../services/look-around-cluster.js');
    return diagnoseCluster(lookAroundCluster(this.config.version, context));
  }
}
