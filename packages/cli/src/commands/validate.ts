import { ValidateAnswer } from '../answers/plan.js';
import { setFlag, sweepFileArgument } from '../arguments.js';
import { AdctlCommand } from '../base-command.js';
import { renderValidated } from '../render/plan.js';

export default class Validate extends AdctlCommand<typeof Validate> {
  static override summary = 'Check a sweep file: every mistake at once, with line, column and a suggestion.';
  static override description =
    'Checks the file, the methods, their hyperparameters, the data set and its classes. Nothing is submitted; exit code 2 when something is wrong.';
  static override examples = ['<%= config.bin %> validate examples/sweeps/ocgan.yaml'];
  static override args = { file: sweepFileArgument };
  static override flags = { set: setFlag };
  static get answer() {
    return ValidateAnswer;
  }

  async run(): Promise<ValidateAnswer> {
    const { planSource } = await import('../services/plan-source.js');
    const { planningDatasets } = await import('../services/planning-datasets.js');
    const { readSource } = await import('../services/read-source.js');
    const source = await readSource(this.args.file, this.flags.set ?? []);
    const { file, name, methods, warnings } = await planSource(source, planningDatasets(await this.target()));
    const answer = { file, name, methods: methods.map(({ method }) => method), warnings };
    return this.reply(Validate.answer, answer, renderValidated);
  }
}
