import type { Command } from '@oclif/core';
import { AdctlCommand } from './base-command.js';
import { createStyle, showsColors } from './render/style.js';
import type { ControllerClient } from './services/controller-client.js';
import type { ProgressView } from './services/follow-sweep.js';
import { type Interrupts, listenForInterrupts } from './services/interrupts.js';

/**
 * A command that asks a controller: the cluster's, the one running in this folder, or one of its own, without workers, for
 * the moment.
 */
export abstract class ControllerCommand<T extends typeof Command> extends AdctlCommand<T> {
  protected async withController<R>(use: (client: ControllerClient, place: string) => Promise<R>): Promise<R> {
    const { connect } = await import('./services/connect.js');
    const connection = await connect({
      target: await this.target(),
      logLevel: this.logLevel,
      say: (line) => this.tell(line),
    });
    try {
      return await use(connection.client, connection.place);
    } finally {
      await connection.close();
    }
  }

  /** Runs something that shows progress and can be interrupted; view and signals are given back at the end. */
  protected async withProgress<R>(use: (view: ProgressView, interrupts: Interrupts) => Promise<R>): Promise<R> {
    const { chooseView } = await import('./services/choose-view.js');
    const style = createStyle(showsColors(process.stderr, this.flags['no-color'] === true));
    const view = await chooseView({ stream: process.stderr, style, quiet: !this.tellsStory });
    const interrupts = listenForInterrupts(process);
    try {
      return await use(view, interrupts);
    } finally {
      interrupts.release();
      view.close();
    }
  }
}
