import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createToyImages } from '@adctl/testkit';
import sharp from 'sharp';

/** A folder with toy images and a sweep file over them: four trainings of some seconds each. */
export async function makeToySweep(epochs: number): Promise<{ folder: string; file: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'adctl-e2e-'));
  await writeClass(folder, 'train', 'plain', 'normal', 240, 1);
  await writeClass(folder, 'train', 'odd', 'anomalous', 20, 2);
  await writeClass(folder, 'test', 'plain', 'normal', 40, 3);
  await writeClass(folder, 'test', 'odd', 'anomalous', 40, 4);
  await writeFile(join(folder, 'sweep.yaml'), sweepFile(epochs));
  return { folder, file: 'sweep.yaml' };
}

async function writeClass(
  folder: string,
  part: string,
  name: string,
  kind: 'normal' | 'anomalous',
  count: number,
  seed: number,
): Promise<void> {
  const shape = { height: 28, width: 28, channels: 1 };
  const { pixels } = createToyImages({ shape, count, seed, kind });
  const target = join(folder, 'images', part, name);
  await mkdir(target, { recursive: true });
  for (let i = 0; i < count; i++) {
    const raw = { width: shape.width, height: shape.height, channels: 1 as const };
    const file = join(target, `${String(i).padStart(4, '0')}.png`);
    await sharp(pixels.subarray(i * 784, (i + 1) * 784), { raw })
      .png()
      .toFile(file);
  }
}

const sweepFile = (epochs: number) => `
apiVersion: adctl/v1
kind: Sweep
name: toy
method: dae
dataset: { name: folder, root: ./images, protocol: one-class, normal: [plain], image: { height: 28, width: 28, channels: 1 } }
search:
  algorithm: grid
  space: { noise: { values: [none, gauss] } }
train:
  preset: quick
  hyperparameters: { epochs: ${epochs}, batchSize: 16 }
seeds: { search: 1, report: 2, finalists: 1 }
`;
