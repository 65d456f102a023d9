import { EXIT_CODES } from '@adctl/protocol';
import { Flags } from '@oclif/core';
import { SweepRunAnswer } from '../answers/sweeps.js';
import { setFlag, sweepFileArgument, workerFlags } from '../arguments.js';
import { ControllerCommand } from '../controller-command.js';
import { variableOf } from '../flags.js';
import { renderSweepRun } from '../render/outcome.js';

export default class Sweep extends ControllerCommand<typeof Sweep> {
  static override summary = 'Run a sweep file: plan, submit, follow with progress, print the leaderboard.';
  static override description = [
    'With a context in use (adctl contexts), or named by --context, the sweep goes to that cluster. Otherwise, and with --local, it uses the controller that runs in this folder (adctl dev), or starts one with workers for as long as the sweep takes.',
    'Running the same file again continues where it was. Trials whose code, data, hyperparameters and seed equal those of a trial that has ended are reused, visibly; --fresh trains everything anew.',
    'The first Ctrl-C lets running trials save a checkpoint and stops; the second stops at once (in a cluster, the first only ends the watching). Either way the same command continues (after --fresh: adctl dev --until-idle).',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> sweep examples/sweeps/ocgan.yaml',
    {
      description: 'Try another preset without editing the file',
      command: '<%= config.bin %> sweep ocgan.yaml --set train.preset=paper',
    },
    {
      description: 'From a timer: one active sweep at a time',
      command: '<%= config.bin %> sweep nightly.yaml --yes --if-active skip --json',
    },
  ];
  static override args = { file: sweepFileArgument };
  static override flags = {
    set: setFlag,
    yes: Flags.boolean({
      char: 'y',
      summary: 'Start a large sweep without asking.',
      env: variableOf('yes'),
      default: false,
    }),
    detach: Flags.boolean({
      summary: 'Submit and return; without a running controller, leave one behind until the sweep ends.',
      env: variableOf('detach'),
      default: false,
    }),
    fresh: Flags.boolean({
      summary: 'Train everything anew: reuse no earlier result, continue no earlier sweep.',
      env: variableOf('fresh'),
      default: false,
    }),
    'idempotency-key': Flags.string({
      summary: 'Submitting twice with the same key is one sweep, even if the file changed in between.',
      env: variableOf('idempotency-key'),
      helpValue: 'KEY',
    }),
    'if-active': Flags.option({ options: ['join', 'skip', 'fail', 'queue', 'replace'] as const })({
      summary:
        'When another sweep of this name is active: run beside it, skip, fail, start after it, or cancel it and start. The same sweep is joined.',
      env: variableOf('if-active'),
      default: 'join',
    }),
    priority: Flags.option({ options: ['high', 'normal', 'low'] as const })({
      summary: 'Which sweep goes first when several wait.',
      env: variableOf('priority'),
      default: 'normal',
    }),
    ...workerFlags,
  };
  static get answer() {
    return SweepRunAnswer;
  }

  async run(): Promise<SweepRunAnswer> {
    const { startSweep } = await import('../services/start-sweep.js');
    const { exitCodeOf } = await import('../services/sweep-outcome.js');
    const target = await this.target();
    const { set, yes, detach, fresh, slots, threads, flavour, priority } = this.flags;
    const answer = await this.withProgress((view, interrupts) =>
      startSweep({
        file: this.args.file,
        overrides: set ?? [],
        target,
        logLevel: this.logLevel,
        confirmed: yes,
        detach,
        submission: {
          fresh,
          priority,
          ifActive: this.flags['if-active'],
          idempotencyKey: this.flags['idempotency-key'],
        },
        workers: { slots, threads, flavour },
        view,
        interrupts,
      }),
    );
    if (answer.interrupted) this.endWith(EXIT_CODES.interrupted);
    else if (answer.outcome !== undefined) this.endWith(exitCodeOf(answer.outcome));
    return this.reply(Sweep.answer, answer, renderSweepRun);
  }
}
