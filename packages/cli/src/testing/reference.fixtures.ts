import type { Command } from '@oclif/core';
import type { AdctlCommandClass } from '../base-command.js';
import { EXIT_CODE_TABLE } from '../exit-codes.js';
import { GLOBAL_FLAGS } from '../flags.js';

const INTRODUCTION = `# Command line

This page is made from the commands themselves (\`npx vitest run --project unit packages/cli -u\` writes it); \`adctl COMMAND --help\` says the same.

- **stdout is the answer, stderr the story.** Progress, warnings and errors go to stderr; \`--log-level warn\` silences the story.
- **\`--json\`** prints the answer as JSON on stdout; its shape is \`schemas/cli/<command>.schema.json\`. A command that fails prints
  \`{ "error": … }\` there instead (\`schemas/cli/error.schema.json\`) and ends with the exit code of the error's kind.
  [errors.md](errors.md) lists the codes.
- **Flag > environment > default.** Every flag has an environment variable, named beside it. Booleans take \`true\` or \`1\`.
- **\`--directory\`** names the folder of the embedded deployment, \`.adctl\` in the current folder by default. While \`adctl dev\` or
  \`adctl sweep\` runs there, other commands in the same folder use its controller; otherwise commands that read start one
  without workers for the moment.
- **Contexts** name clusters (\`adctl contexts\`). Commands talk to the one of \`--context\`, else to the one in use; with \`--local\`, or
  without any, to the folder. They lie in \`contexts.yaml\` in \`ADCTL_CONFIG_DIR\` (default \`~/.config/adctl\`), which nobody else may
  read, and hold paths of credential files, never secrets.
- **Interrupting** \`sweep\` or \`dev\`: the first Ctrl-C lets running trials save a checkpoint and stops, the second stops at
  once. Even \`kill -9\` loses no finished trial and no committed checkpoint: the same command continues.

## Exit codes

| code | means |
| --- | --- |
${EXIT_CODE_TABLE.map(([code, words]) => `| ${code} | ${words} |`).join('\n')}

## Completion

\`adctl autocomplete bash\` (or \`zsh\`, \`powershell\`) prints the one line for your shell's start-up file. It completes commands,
flags and their fixed values; \`adctl autocomplete --refresh-cache\` renews it after an update. Nothing is fetched.

## Global flags

${flagTable(GLOBAL_FLAGS as Record<string, Command.Flag>)}
`;

/** The reference page, from the command classes. */
export function renderReference(commands: ReadonlyMap<string, AdctlCommandClass>): string {
  const sections = [...commands].map(([id, command]) => renderCommand(id, command));
  return `${[INTRODUCTION.trim(), ...sections].join('\n\n')}\n`;
}

function renderCommand(id: string, command: AdctlCommandClass): string {
  const names = Object.entries(command.args).map(([name, arg]) =>
    arg.required ? name.toUpperCase() : `[${name.toUpperCase()}]`,
  );
  const flags = command.flags ?? {};
  return [
    `## adctl ${[id, ...names].join(' ')}`,
    command.summary ?? '',
    ...(command.description === undefined ? [] : [command.description]),
    ...Object.entries(command.args).map(([name, arg]) => `- \`${name.toUpperCase()}\`: ${arg.description}`),
    ...(Object.keys(flags).length === 0 ? [] : [flagTable(flags)]),
    ['```sh', ...command.examples.map(exampleText), '```'].join('\n'),
  ].join('\n\n');
}

function exampleText(example: Command.Example): string {
  const bin = (text: string) => text.replaceAll('<%= config.bin %>', 'adctl');
  return typeof example === 'string' ? bin(example) : `${bin(example.command)}  # ${example.description}`;
}

function flagTable(flags: Record<string, Command.Flag>): string {
  const rows = Object.entries(flags).map(([name, flag]) => {
    const short = flag.char === undefined ? '' : `-${flag.char}, `;
    const value = flag.type === 'boolean' ? '' : ` ${valueName(flag)}`;
    const fallback =
      flag.default === undefined || typeof flag.default === 'function' ? '' : ` Default: \`${flag.default}\`.`;
    return `| \`${short}--${name}${value}\` | ${flag.summary}${fallback} | \`${flag.env}\` |`;
  });
  return ['| flag | | variable |', '| --- | --- | --- |', ...rows].join('\n');
}

function valueName(flag: Command.Flag & { type: 'option' }): string {
  return flag.options === undefined ? String(flag.helpValue ?? 'VALUE') : flag.options.join('\\|');
}
