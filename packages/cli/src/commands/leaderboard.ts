import { Leaderboard } from '@adctl/protocol';
import { Flags } from '@oclif/core';
import { sweepFlag } from '../arguments.js';
import { ControllerCommand } from '../controller-command.js';
import { variableOf } from '../flags.js';
import { renderLeaderboard } from '../render/leaderboard.js';
import { renderLeaderboardCsv } from '../render/leaderboard-csv.js';

export default class LeaderboardCommand extends ControllerCommand<typeof LeaderboardCommand> {
  static override summary =
    'Rank configurations over their report seeds, with intervals and the untrained model beside them.';
  static override description =
    'Only report seeds feed the AUROC columns, and rows of different data sets, protocols or class sets are never ranked together. Failed rows stay visible.';
  static override examples = [
    '<%= config.bin %> leaderboard',
    '<%= config.bin %> leaderboard --dataset mnist --method ocgan',
    { description: 'For a spreadsheet', command: '<%= config.bin %> leaderboard --csv > leaderboard.csv' },
  ];
  static override flags = {
    dataset: Flags.string({ summary: 'Only this data set.', env: variableOf('dataset'), helpValue: 'NAME' }),
    method: Flags.string({ summary: 'Only this method.', env: variableOf('method'), helpValue: 'NAME' }),
    protocol: Flags.string({ summary: 'Only this split protocol.', env: variableOf('protocol'), helpValue: 'NAME' }),
    sweep: sweepFlag,
    csv: Flags.boolean({
      summary: 'Print comma-separated values, numbers in full, one line a row and class.',
      env: variableOf('csv'),
      exclusive: ['json'],
      default: false,
    }),
  };
  static get answer() {
    return Leaderboard;
  }

  async run(): Promise<Leaderboard> {
    const { readLeaderboard } = await import('../services/read-leaderboard.js');
    const { dataset, method, protocol, sweep, csv } = this.flags;
    const board = await this.withController((client) => readLeaderboard(client, { dataset, method, protocol, sweep }));
    return this.reply(LeaderboardCommand.answer, board, csv ? renderLeaderboardCsv : renderLeaderboard);
  }
}
