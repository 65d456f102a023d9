import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { probeS3 } from './probe.js';
import { useCredentials, withS3 } from './s3.fixtures.js';
import type { Operation } from './testing/index.js';

useCredentials();

const text = readFileSync(new URL('../../../../docs/storage.md', import.meta.url), 'utf8');
const documents = [...text.matchAll(/```json\n(.*?)```/gs)].map(([, json = '']) => JSON.parse(json) as unknown);

interface Policy {
  readonly Statement: readonly { readonly Effect: string; readonly Action: readonly string[] }[];
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

describe('docs/storage.md', () => {
  it('allows in its policy what the adapter does, and nothing else', () =>
    withS3(async ({ fake, store }) => {
      await probeS3(store);
      await store.put('k', Buffer.from('x'));
      await store.get('k');

      const used = new Set(fake.requests.map(({ operation }) => PERMISSIONS[operation] ?? `none for ${operation}`));
      const policy = documents.find((document) => 'Statement' in Object(document)) as Policy;
      const allowed = policy.Statement.flatMap(({ Effect, Action }) => (Effect === 'Allow' ? Action : []));
      expect([...allowed].sort()).toEqual([...used].sort());
    }));

  it('has lifecycle rules that end uploads after two days and expire only what can be spared', () => {
    const { Rules } = documents.find((document) => 'Rules' in Object(document)) as Lifecycle;

    const aborting = Rules.filter((rule) => rule.AbortIncompleteMultipartUpload !== undefined);
    expect(aborting.map((rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation)).toEqual([2]);
    const expiring = Rules.filter((rule) => rule.Expiration !== undefined).map((rule) => rule.Filter.Prefix);
    expect(expiring).toEqual(['adctl/v1/probe/']);
  });
});
