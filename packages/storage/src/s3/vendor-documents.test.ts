import { readFileSync } from 'node:fs';
import { digestOf, SharedDataset, SharedManifest, sha256, sharedFileKey } from '@adctl/protocol';
import { describe, expect, it } from 'vitest';
import { PART_BYTES } from '../large-objects.js';
import { listSharedDatasets, readSharedManifest, shareDataset } from '../shared-datasets.js';
import { probeS3 } from './probe.js';
import { useCredentials, withS3 } from './s3.fixtures.js';
import type { Operation } from './testing/index.js';

useCredentials();

const text = readFileSync(new URL('../../../../docs/storage.md', import.meta.url), 'utf8');
const documents = [...text.matchAll(/```json\n(.*?)```/gs)].map(([, json = '']) => JSON.parse(json) as unknown);

interface Policy {
  readonly Statement: readonly {
    readonly Effect: string;
    readonly Action: readonly string[];
    readonly Resource: string | readonly string[];
  }[];
}
interface Lifecycle {
  readonly Rules: readonly {
    readonly ID: string;
    readonly Filter: { readonly Prefix: string };
    readonly Expiration?: { readonly Days: number };
    readonly AbortIncompleteMultipartUpload?: { readonly DaysAfterInitiation: number };
  }[];
}

/** The permission each request needs, by the S3 service authorization reference. */
const PERMISSIONS: Partial<Record<Operation, string>> = {
  PutObject: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
  GetObject: 's3:GetObject',
  HeadObject: 's3:GetObject',
  DeleteObject: 's3:DeleteObject',
  ListObjectsV2: 's3:ListBucket',
  ListParts: 's3:ListMultipartUploadParts',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
};

const policies = documents.filter((document): document is Policy => 'Statement' in Object(document));

/** Whether a policy has a statement of this effect for the action on the key; listing is for the bucket as a whole. */
function mentions({ Statement }: Policy, effect: string, action: string | undefined, key: string): boolean {
  const place = action === 's3:ListBucket' ? 'arn:aws:s3:::BUCKET' : `arn:aws:s3:::BUCKET/adctl/${key}`;
  return Statement.some(({ Effect, Action, Resource }) => {
    const fits = [Resource]
      .flat()
      .some((one) => (one.endsWith('*') ? place.startsWith(one.slice(0, -1)) : place === one));
    return Effect === effect && action !== undefined && Action.includes(action) && fits;
  });
}

describe('docs/storage.md', () => {
  it('allows in its policy what the adapter does, and nothing else', () =>
    withS3(async ({ fake, store }) => {
      await probeS3(store);
      await store.put('k', Buffer.from('x'));
      await store.get('k');

      const used = new Set(fake.requests.map(({ operation }) => PERMISSIONS[operation] ?? `none for ${operation}`));
      const allowed = policies[0]!.Statement.flatMap(({ Effect, Action }) => (Effect === 'Allow' ? Action : []));
      expect([...allowed].sort()).toEqual([...used].sort());
    }));

  it('lets those who share write what they share and nothing else, and workers only read it', () =>
    withS3(async ({ fake, store }) => {
      const [, ofWorkers, ofSharers] = policies;
      const [small, large] = [Buffer.from('labels'), Buffer.alloc(PART_BYTES + 1)];
      const files = [small, large].map((content, i) => ({
        path: `${i}`,
        bytes: content.length,
        sha256: sha256(content),
      }));
      const manifest = SharedManifest.parse({ version: 1, files, basis: {} });
      const facts = SharedDataset.parse({
        ...{ version: 1, name: 'mnist', kind: 'files', digest: sha256('mnist'), reader: 'idx/1', classes: ['0'] },
        ...{ shape: { height: 1, width: 1, channels: 1 }, counts: { train: 1, test: 1 }, files: 2, bytes: 1 },
        manifest: digestOf(manifest),
      });
      let seen = 0;
      /** Permissions needed since the last look. */
      const asked = () => {
        const since = fake.requests.slice(seen);
        seen += since.length;
        return since.map(({ operation, key }) => [PERMISSIONS[operation], key] as const);
      };

      await probeS3(store);
      await shareDataset(store, { facts, manifest }, { read: async ({ path }) => (path === '0' ? small : large) });
      const sharing = asked();
      expect(sharing.filter(([action, key]) => !mentions(ofSharers!, 'Allow', action, key))).toEqual([]);
      const writes = sharing.filter(([action, key]) => action === 's3:PutObject' && !key.startsWith('v1/probe/'));
      expect(writes.length).toBeGreaterThan(4);
      expect(writes.filter(([action, key]) => !mentions(ofWorkers!, 'Deny', action, key))).toEqual([]);

      await listSharedDatasets(store);
      await readSharedManifest(store, facts);
      await store.get(sharedFileKey(files[0]!.sha256));
      const reading = asked();
      expect(reading.length).toBeGreaterThan(3);
      expect(reading.filter(([action, key]) => mentions(ofWorkers!, 'Deny', action, key))).toEqual([]);
      for (const key of ['v1/result/a/000000/b.json', 'v1/ckpt/a/b', 'v1/spec/a.json']) {
        expect(mentions(ofSharers!, 'Allow', 's3:PutObject', key), key).toBe(false);
        expect(mentions(ofWorkers!, 'Deny', 's3:PutObject', key), key).toBe(false);
      }
    }));

  it('has lifecycle rules that end uploads after two days and expire only what can be spared', () => {
    const { Rules } = documents.find((document) => 'Rules' in Object(document)) as Lifecycle;

    const aborting = Rules.filter((rule) => rule.AbortIncompleteMultipartUpload !== undefined);
    expect(aborting.map((rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation)).toEqual([2]);
    const expiring = Rules.filter((rule) => rule.Expiration !== undefined).map((rule) => rule.Filter.Prefix);
    expect(expiring).toEqual(['adctl/v1/probe/']);
  });
});
