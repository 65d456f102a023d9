import { resolve } from 'node:path';
import { AdctlError } from '@adctl/protocol';
import { Command, type Interfaces } from '@oclif/core';
import type { z } from 'zod';
import { exitCodeOf, failureOf, isExit, REPORT_HINT } from './failure-of.js';
import { GLOBAL_FLAGS, type LogLevel } from './flags.js';
import { renderFailure } from './render/failure.js';
import { createStyle, type Style, showsColors } from './render/style.js';
import { isInterrupted } from './services/interrupts.js';
import type { Target } from './services/target.js';

type FlagsOf<T extends typeof Command> = Interfaces.InferredFlags<typeof GLOBAL_FLAGS & T['flags']>;
type ArgsOf<T extends typeof Command> = Interfaces.InferredArgs<T['args']>;

/** A command class with its schema: a getter, because oclif writes every enumerable static into its manifest. */
export type AdctlCommandClass = typeof Command & { readonly answer: z.ZodType };

/**
 * What every command shares: the global flags, one answer on stdout (text or JSON that satisfies the command's `answer`
 * schema), the story on stderr, and errors by kind. A subclass is declarations and a short `run`.
 */
export abstract class AdctlCommand<T extends typeof Command> extends Command {
  static override enableJsonFlag = true;
  static override baseFlags = GLOBAL_FLAGS;

  protected flags!: FlagsOf<T>;
  protected args!: ArgsOf<T>;
  /** Marks for stdout. */
  protected style!: Style;

  protected override async init(): Promise<void> {
    await super.init();
    const { flags, args } = await this.parse({
      flags: this.ctor.flags,
      baseFlags: AdctlCommand.baseFlags,
      enableJsonFlag: true,
      args: this.ctor.args,
      strict: this.ctor.strict,
    });
    this.flags = flags as FlagsOf<T>;
    this.args = args as ArgsOf<T>;
    this.style = createStyle(showsColors(process.stdout, this.flags['no-color'] === true));
  }

  /** The `.adctl` folder, absolute. */
  protected get directory(): string {
    return resolve(this.flags.directory as string);
  }

  /** The deployment that this command talks to. */
  protected async target(): Promise<Target> {
    const { resolveTarget } = await import('./services/target.js');
    const { context, local } = this.flags;
    return resolveTarget({ directory: this.directory, local: local === true, context: context as string | undefined });
  }

  protected get logLevel(): LogLevel {
    return this.flags['log-level'] as LogLevel;
  }

  /** Whether anything but errors goes to stderr. */
  protected get tellsStory(): boolean {
    return this.logLevel === 'info' || this.logLevel === 'debug';
  }

  /**
   * Gives the command's answer: text on stdout, or with `--json` the value, which oclif prints when `run` returns it.
   *
   * @throws AdctlError `answer_schema_mismatch` (bug) when the value is not what the schema promises
   */
  protected reply<S extends z.ZodType>(
    answer: S,
    value: z.input<S>,
    render: (value: z.output<S>, style: Style) => string,
  ): z.output<S> {
    const parsed = answer.safeParse(value);
    if (!parsed.success) {
      throw new AdctlError(`The answer of ${this.id} does not have its documented shape.`, {
        code: 'answer_schema_mismatch',
        kind: 'bug',
        details: { issues: parsed.error.issues },
        cause: parsed.error,
      });
    }
    if (!this.jsonEnabled()) this.print(render(parsed.data, this.style));
    return parsed.data;
  }

  /** Writes one piece of the answer. */
  protected print(text: string): void {
    if (text !== '') process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** Tells the story: one line for people, on stderr; silent below `--log-level info`. */
  protected tell(text: string): void {
    if (this.tellsStory) process.stderr.write(`${text}\n`);
  }

  /** Sets how the process ends without throwing: some trials failed, some checks failed. */
  protected endWith(exitCode: number): void {
    process.exitCode = exitCode;
  }

  override jsonEnabled(): boolean {
    return super.jsonEnabled() || this.flags?.json === true;
  }

  protected override logJson(json: unknown): void {
    process.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  }

  /** Renders what was thrown; the process ends by itself with the kind's exit code. */
  protected override async catch(error: Error): Promise<void> {
    if (isExit(error)) throw error;
    const failure = failureOf(error);
    process.exitCode = exitCodeOf(failure);
    if (this.jsonEnabled()) {
      this.logJson({ error: failure });
    } else {
      const style = createStyle(showsColors(process.stderr, this.argv.includes('--no-color')));
      process.stderr.write(`${renderFailure(failure, style, REPORT_HINT)}\n`);
    }
    if (isInterrupted(failure)) await endAtOnce();
  }
}

/** Ends the process once everything is written, with work in it that nobody waits for any more: hashing a folder, reading stdin. */
async function endAtOnce(): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((written) => stream.write('', () => written()));
  }
  process.exit();
}
