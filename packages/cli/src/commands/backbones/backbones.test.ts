import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { summarizeNetwork } from '@adctl/methods';
import { backboneOf } from '@adctl/methods/backbones';
import { backboneKey, sha256 } from '@adctl/protocol';
import { createS3Store } from '@adctl/storage/s3';
import { type FakeS3, startFakeS3 } from '@adctl/storage/s3/testing';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { BackbonesImportAnswer, BackbonesListAnswer, BackbonesShowAnswer } from '../../answers/backbones.js';
import { runCommand } from '../../testing/run-command.fixtures.js';
import BackbonesImport from './import.js';
import BackbonesList from './list.js';
import BackbonesShow from './show.js';

/** A published file of EfficientNet-Lite0 without its classifier, all zeros; `changes` replaces shapes, null leaves out. */
function writeWeights(path: string, changes: Readonly<Record<string, readonly number[] | null>> = {}): Buffer {
  const suffixes = {
    kernel: 'weight',
    gamma: 'weight',
    beta: 'bias',
    bias: 'bias',
    movingMean: 'running_mean',
    movingVariance: 'running_var',
  };
  const plan = backboneOf('efficientnet-lite0').plan({ network: 'net', height: 32, width: 32 });
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const { plan: layer, parameters } of summarizeNetwork(plan).layers) {
    for (const { name, shape: own } of parameters) {
      const tensor = `${layer.name}.${suffixes[name]}`;
      const torch =
        own.length === 1
          ? own
          : layer.kind === 'depthwiseConv2d'
            ? [own[2]!, 1, own[0]!, own[1]!]
            : [own[3]!, own[2]!, own[0]!, own[1]!];
      const shape = changes[tensor] === undefined ? torch : changes[tensor];
      if (shape === null) continue;
      const bytes = 4 * shape.reduce((product, side) => product * side, 1);
      header[tensor] = { dtype: 'F32', shape, data_offsets: [offset, offset + bytes] };
      offset += bytes;
    }
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = Buffer.concat([length, json, Buffer.alloc(offset)]);
  writeFileSync(path, file);
  return file;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adctl-backbones-'));
  vi.stubEnv('ADCTL_CACHE_DIR', join(folder, 'cache'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const importFile = async (...argv: string[]) => {
  const { stdout, exitCode } = await runCommand(BackbonesImport, [...argv, '--json']);
  return { answer: JSON.parse(stdout), exitCode };
};

describe('adctl backbones', () => {
  it('imports a file once, then lists and shows it by its digest', async () => {
    const path = join(folder, 'lite0.safetensors');
    const file = writeWeights(path);
    const first = BackbonesImportAnswer.parse((await importFile(path)).answer);
    const again = BackbonesImportAnswer.parse((await importFile(path, '--sha256', sha256(file).toUpperCase())).answer);

    expect(first).toMatchObject({
      architecture: 'efficientnet-lite0',
      alreadyThere: false,
      sourceSha256: sha256(file),
      hasClasses: false,
    });
    expect(again).toMatchObject({ alreadyThere: true, sha256: first.sha256 });
    const list = BackbonesListAnswer.parse(JSON.parse((await runCommand(BackbonesList, ['--json'])).stdout));
    expect(list.cached.map(({ sha256: digest }) => digest)).toEqual([first.sha256]);
    expect(list.known.find(({ architecture }) => architecture === 'resnet18')!.parameters).toBe(11_176_512);
    const shown = BackbonesShowAnswer.parse(
      JSON.parse((await runCommand(BackbonesShow, [first.sha256.slice(0, 8), '--json'])).stdout),
    );
    expect(shown.weights!.path).toBe(first.path);
    expect(shown.features.at(-1)).toEqual({ tap: 'blocks.6', shape: [7, 7, 320] });
  });

  it('says in words what was imported and how to name it', async () => {
    const path = join(folder, 'lite0.safetensors');
    writeWeights(path);
    const { stdout, stderr, exitCode } = await runCommand(BackbonesImport, [path]);

    expect(exitCode).toBe(0);
    expect(stderr).toContain('downloading lite0.safetensors');
    expect(stdout).toMatch(
      /efficientnet-lite0: 240 tensors \(F32\).*stored in .*\nTaken as trained in TensorFlow.*\n.*weights: [0-9a-f]{64}/,
    );
    expect((await runCommand(BackbonesList, [])).stdout).toContain('tf_efficientnet_lite0');
    expect((await runCommand(BackbonesShow, ['vgg16'])).stdout).toContain('14,714,688');
  });

  it.each<[string, Readonly<Record<string, readonly number[] | null>>, RegExp]>([
    [
      'a missing tensor',
      { 'blocks.3.1.bn2.bias': null },
      /lite0\.safetensors: tensor 'blocks\.3\.1\.bn2\.bias' of shape \[480\] is missing/,
    ],
    [
      'a tensor of the wrong shape',
      { 'conv_stem.weight': [32, 3, 5, 5] },
      /lite0\.safetensors: tensor 'conv_stem\.weight' has shape \[32,3,5,5\]/,
    ],
  ])('%s is bad input: exit 2, naming file and tensor', async (_what, changes, message) => {
    const path = join(folder, 'lite0.safetensors');
    writeWeights(path, changes);
    const { answer, exitCode } = await importFile(path);

    expect(exitCode).toBe(2);
    expect(answer.error).toMatchObject({
      code: 'backbone_invalid',
      kind: 'user',
      message: expect.stringMatching(message),
    });
  });

  it('a file that is cut short is bad input naming file and tensor', async () => {
    const path = join(folder, 'lite0.safetensors');
    const file = writeWeights(path);
    writeFileSync(path, file.subarray(0, file.length - 1000));
    const { answer, exitCode } = await importFile(path);

    expect(exitCode).toBe(2);
    expect(answer.error.message).toMatch(
      /lite0\.safetensors: .*tensor 'blocks\.6\.0\.bn3\.running_var' ends at byte .*cut short/,
    );
  });

  it('reads from a server when the digest is given, and refuses other bytes, other schemes and what is not there', async () => {
    const file = writeWeights(join(folder, 'lite0.safetensors'));
    const server = createServer((request, response) => {
      response
        .writeHead(request.url === '/lite0.safetensors' ? 200 : 404)
        .end(request.url === '/lite0.safetensors' ? file : '');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

    const { answer } = await importFile(`${url}/lite0.safetensors`, '--sha256', sha256(file));
    expect(BackbonesImportAnswer.parse(answer).architecture).toBe('efficientnet-lite0');
    for (const [argv, code] of [
      [[`${url}/lite0.safetensors`], 'backbone_unpinned'],
      [[`${url}/lite0.safetensors`, '--sha256', 'ab'.repeat(32)], 'backbone_digest'],
      [[`${url}/nothing`, '--sha256', sha256(file)], 'backbone_source'],
      [['ftp://host/file', '--sha256', sha256(file)], 'backbone_source'],
      [['s3://bucket/', '--sha256', sha256(file)], 'backbone_source'],
      [[join(folder, 'nothing')], 'backbone_source'],
    ] as const) {
      const refused = await importFile(...argv);
      expect(refused.exitCode, code).toBe(2);
      expect(refused.answer.error.code).toBe(code);
    }
  });

  describe('with an object store', () => {
    let fake: FakeS3;
    beforeEach(async () => {
      fake = await startFakeS3({ buckets: ['published', 'ours'] });
      const variables = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret', ADCTL_S3_ENDPOINT: fake.endpoint };
      for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    });
    afterEach(() => fake.close());

    const bucket = (name: string) => createS3Store({ bucket: name, endpoint: fake.endpoint });

    it('reads from s3 when the digest is given', async () => {
      const file = writeWeights(join(folder, 'lite0.safetensors'));
      await bucket('published').put('weights/lite0.safetensors', file);
      vi.stubEnv('ADCTL_S3_PREFIX', 'of-another-deployment');
      const address = 's3://published/weights/lite0.safetensors';

      const { answer } = await importFile(address, '--sha256', sha256(file));
      const imported = BackbonesImportAnswer.parse(answer);

      expect(imported).toMatchObject({
        architecture: 'efficientnet-lite0',
        source: address,
        sourceSha256: sha256(file),
      });
      expect(sha256(readFileSync(imported.path))).toBe(imported.sha256);
      expect((await importFile(address, '--sha256', 'ab'.repeat(32))).answer.error.code).toBe('backbone_digest');
      expect((await importFile('s3://published/nothing', '--sha256', sha256(file))).answer.error.code).toBe(
        'backbone_source',
      );
    });

    it('shares weights with the workers of a deployment, once', async () => {
      const path = join(folder, 'lite0.safetensors');
      writeWeights(path);
      vi.stubEnv('ADCTL_OBJECTS', 's3');
      vi.stubEnv('ADCTL_S3_BUCKET', 'ours');
      vi.stubEnv('ADCTL_S3_PREFIX', 'team');

      const shared = BackbonesImportAnswer.parse((await importFile(path, '--share')).answer);
      const puts = () =>
        fake.requests.filter(({ method, key }) => ['PUT', 'POST'].includes(method) && key.includes(shared.sha256))
          .length;
      const before = puts();
      const again = BackbonesImportAnswer.parse((await importFile(path, '--share')).answer);

      expect(shared.sharedAt).toBe(`s3://ours/team/${backboneKey(shared.sha256)}`);
      expect(again.sharedAt).toBe(shared.sharedAt);
      expect([before > 0, puts()]).toEqual([true, before]);
      const stored = await bucket('ours').get(`team/${backboneKey(shared.sha256)}`);
      expect(sha256(stored!.content)).toBe(shared.sha256);
    });

    it('says which variables --share needs', async () => {
      const path = join(folder, 'lite0.safetensors');
      writeWeights(path);
      const { answer, exitCode } = await importFile(path, '--share');

      expect(exitCode).toBe(2);
      expect(answer.error.code).toBe('bad_object_environment');
      expect(answer.error.message).toContain('ADCTL_OBJECTS: say s3 or filesystem');
    });
  });

  it('suggests a name', async () => {
    const { stdout, exitCode } = await runCommand(BackbonesShow, ['resnet-18', '--json']);

    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'unknown_backbone', hint: "Did you mean 'resnet18'?" });
  });
});
