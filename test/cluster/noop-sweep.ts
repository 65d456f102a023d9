import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Writes a folder data set that the noop trainer never decodes, and a sweep over it: one configuration for each learning
 * rate and number of epochs, then one report trial a class. A trial takes some milliseconds an epoch.
 */
export async function writeNoopSweep(
  folder: string,
  options: {
    readonly name: string;
    /** Several are searched over, in this order. */
    readonly epochs: number | readonly number[];
    readonly learningRates?: readonly number[];
    readonly limits?: string;
  },
): Promise<string> {
  const { name, epochs, learningRates = [0.001], limits = 'parallel: 64' } = options;
  const space = {
    learningRate: { values: learningRates },
    ...(typeof epochs === 'number' ? {} : { epochs: { values: epochs } }),
  };
  const fixed = typeof epochs === 'number' ? { epochs } : {};
  for (const kind of ['bolt', 'nut']) {
    const images = join(folder, 'images', kind);
    await mkdir(images, { recursive: true });
    for (let i = 0; i < 20; i++) await writeFile(join(images, `${i}.png`), `${kind} ${i}`);
  }
  const file = join(folder, `${name}.yaml`);
  await writeFile(
    file,
    `apiVersion: adctl/v1
kind: Sweep
name: ${name}
method: dae
dataset: { name: folder, root: images, protocol: one-class, normal: [bolt], image: { height: 28, width: 28, channels: 1 } }
search: { algorithm: grid, space: ${JSON.stringify(space)} }
train: { preset: quick, hyperparameters: ${JSON.stringify(fixed)} }
seeds: { search: 1, report: 1, finalists: 1 }
limits: { maxTrials: 100000, ${limits} }
`,
  );
  return file;
}
