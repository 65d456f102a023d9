import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');
export const DOCKERFILES = ['docker/adctl.Dockerfile', 'docker/worker.Dockerfile'] as const;

export interface Instruction {
  /** `FROM`, `RUN`, … */
  readonly name: string;
  readonly value: string;
}

/** Instructions of a Dockerfile in their order, continued lines joined, comments left out. */
export function readInstructions(path: string): Instruction[] {
  const lines = readFileSync(join(ROOT, path), 'utf8').split('\n');
  const code = lines.filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#')).join('\n');
  return code
    .replaceAll(/\s*\\\n\s*/g, ' ')
    .trim()
    .split('\n')
    .map((line) => {
      const [name = ''] = line.trim().split(/\s+/, 1);
      return { name: name.toUpperCase(), value: line.trim().slice(name.length).trim() };
    });
}

/** The instructions of the stage that becomes the image. */
export function lastStage(instructions: readonly Instruction[]): Instruction[] {
  return instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'));
}
