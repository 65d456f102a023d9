import { digestOf, SharedDataset, SharedManifest, sha256, sharedFileKey } from '@adctl/protocol';
import { type ObjectStore, shareDataset } from '@adctl/storage';

const SHAPE = { height: 28, width: 28, channels: 1 };

export const SHARED_FILES = Object.fromEntries(
  ['train-images', 'train-labels', 'test-images'].map((path) => [path, Buffer.from(`content of ${path}`)]),
);

/** What is shared under the name of a registered data set; no training here opens it. */
export async function shareFakeSet(objects: ObjectStore, name = 'mnist') {
  const files = Object.entries(SHARED_FILES).map(([path, content]) => ({
    ...{ path, bytes: content.length, sha256: sha256(content) },
  }));
  const manifest = SharedManifest.parse({ version: 1, files, basis: {} });
  const facts = SharedDataset.parse({
    ...{ version: 1, name, kind: name === 'mnist' ? 'files' : 'folder', digest: sha256(`shared ${name}`) },
    ...{ reader: 'idx/1', classes: ['0', '1'], shape: SHAPE, counts: { train: 1, test: 1 } },
    ...{ files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), manifest: digestOf(manifest) },
  });
  await shareDataset(objects, { facts, manifest }, { read: async ({ path }) => SHARED_FILES[path]! });
  return {
    facts,
    /** As a trial names it that was planned with it. */
    wanted: {
      ...{ name, protocol: 'one-class', normal: '0', splitSeed: 0, selectionFraction: 0.1, calibrationFraction: 0.1 },
      ...{ digest: facts.digest, input: SHAPE },
    },
    keyOf: (path: string) => sharedFileKey(sha256(SHARED_FILES[path]!)),
    manifestKey: sharedFileKey(facts.manifest),
  };
}
