import { didYouMean, userError } from '@adctl/protocol';
import type { Hook } from '@oclif/core';

/** Names the command that was probably meant. */
const commandNotFound: Hook.CommandNotFound = async ({ id, config }) => {
  const typed = id.replaceAll(':', ' ');
  const known = config.commands.filter((command) => !command.hidden).map((command) => command.id.replaceAll(':', ' '));
  const meant = didYouMean(typed, known);
  throw userError('unknown_command', `There is no command "adctl ${typed}".`, {
    hint: meant === undefined ? 'See adctl --help.' : `Did you mean: adctl ${meant}? All commands: adctl --help`,
  });
};

export default commandNotFound;
