import { CommandHelp, Help, type HelpSectionRenderer } from '@oclif/core';
import { EXIT_CODE_TABLE } from './exit-codes.js';

const exitCodes = (): [string, string][] => EXIT_CODE_TABLE.map(([code, words]) => [code, words]);

/** A command's help with the exit codes below its flags. */
class AdctlCommandHelp extends CommandHelp {
  protected override sections(): { header: string; generate: HelpSectionRenderer }[] {
    return [
      ...super.sections(),
      { header: 'EXIT CODES', generate: (_data, header) => ({ header, body: exitCodes() }) },
    ];
  }
}

/** oclif's help plus the exit codes of design section 9. */
export default class AdctlHelp extends Help {
  protected override CommandHelpClass = AdctlCommandHelp;

  protected override async showRootHelp(): Promise<void> {
    await super.showRootHelp();
    this.log(this.section('EXIT CODES', exitCodes()));
  }
}
