import { createInterface } from 'node:readline';
import { userError } from '@adctl/protocol';

/** Above this many trials a person is asked first. */
export const LARGE_SWEEP_TRIALS = 100;

/**
 * Asks before something large starts.
 *
 * @throws AdctlError user `not_confirmed` when the answer is no, `confirmation_needed` when nobody can be asked
 */
export async function confirm(question: string, input: NodeJS.ReadStream, output: NodeJS.WriteStream): Promise<void> {
  if (!input.isTTY || !output.isTTY) {
    throw userError('confirmation_needed', `${question} Nobody can be asked here.`, {
      hint: 'Add --yes to start without asking.',
    });
  }
  const answer = await ask(`${question} [y/N] `, input, output);
  if (!/^y(es)?$/i.test(answer.trim())) {
    throw userError('not_confirmed', 'Nothing was started.', {
      hint: 'Answer y, or add --yes to start without asking.',
    });
  }
}

/** One line from a person; Ctrl-C and the end of input are an empty answer. */
function ask(question: string, input: NodeJS.ReadStream, output: NodeJS.WriteStream): Promise<string> {
  return new Promise((answer) => {
    const lines = createInterface({ input, output });
    lines.once('line', (line) => {
      answer(line);
      lines.close();
    });
    lines.once('SIGINT', () => lines.close());
    lines.once('close', () => {
      output.write('\n');
      answer('');
    });
    lines.setPrompt(question);
    lines.prompt();
  });
}
