import { PlanAnswer } from '../answers/plan.js';
import { setFlag, sweepFileArgument } from '../arguments.js';
import { ControllerCommand } from '../controller-command.js';
import { renderPlan } from '../render/plan.js';

export default class Plan extends ControllerCommand<typeof Plan> {
  static override summary =
    'Say what a sweep file would run, how big its networks are and how long it takes; submit nothing.';
  static override description =
    'The time comes from trials with equal networks that ended in the cluster or in this folder; without any it is not known.';
  static override examples = [
    '<%= config.bin %> plan examples/sweeps/ocgan.yaml',
    '<%= config.bin %> plan ocgan.yaml --set train.preset=paper',
  ];
  static override args = { file: sweepFileArgument };
  static override flags = { set: setFlag };
  static get answer() {
    return PlanAnswer;
  }

  async run(): Promise<PlanAnswer> {
    const { folderExists } = await import('../services/files.js');
    const { readPastTrials } = await import('../services/past-trials.js');
    const { planSource } = await import('../services/plan-source.js');
    const { planningDatasets } = await import('../services/planning-datasets.js');
    const { readSource } = await import('../services/read-source.js');
    const source = await readSource(this.args.file, this.flags.set ?? []);
    const target = await this.target();
    const isThere = target.kind === 'cluster' || (await folderExists(target.directory));
    const past = async () => (isThere ? this.withController(readPastTrials) : []);
    const datasets = planningDatasets(target);
    const plan = await planSource(source, datasets, { past, isThere: datasets.isThere });
    return this.reply(Plan.answer, plan, renderPlan);
  }
}
