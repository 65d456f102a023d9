import { expect, it } from 'vitest';
import { resolveSettings, type S3Settings } from './settings.js';

const resolve = (settings: Partial<S3Settings>) => resolveSettings({ bucket: 'objects', ...settings });

it('takes AWS when no endpoint is given: its region from the chain, virtual hosts, checksums on everything', () => {
  expect(resolve({})).toMatchObject({
    prefix: '',
    region: undefined,
    endpoint: undefined,
    forcePathStyle: false,
    checksums: 'always',
    maxSockets: 32,
    retry: { firstDelayMs: 1_000, longestDelayMs: 60_000, deadlineMs: 900_000 },
  });
});

it('takes the careful choices for every other endpoint', () => {
  expect(resolve({ endpoint: 'https://minio.local:9000/', prefix: 'a/b' })).toMatchObject({
    endpoint: 'https://minio.local:9000',
    prefix: 'a/b/',
    region: 'us-east-1',
    forcePathStyle: true,
    checksums: 'whenRequired',
  });
});

it('takes the ARN of an access point for a bucket', () => {
  const bucket = 'arn:aws:s3:eu-central-1:123456789012:accesspoint/adctl';

  expect(resolve({ bucket }).bucket).toBe(bucket);
});

const bad: readonly Partial<S3Settings>[] = [
  { bucket: '' },
  { bucket: 'Objects' },
  { bucket: 's3://objects' },
  { bucket: 'objects/prefix' },
  { prefix: '../x' },
  { prefix: '/x' },
  { prefix: 'x//y' },
  { endpoint: 'minio:9000' },
  { endpoint: 'ftp://minio' },
  { endpoint: 'https://minio/bucket' },
  { endpoint: 'https://minio/?x=1' },
  { maxSockets: 0 },
  { pageSize: 1001 },
  { requestTimeoutMs: Number.NaN },
  { retry: { deadlineMs: -1 } },
];

it.each(bad)('refuses %j', (settings) => {
  expect(() => resolve(settings)).toThrow(expect.objectContaining({ code: 'bad_s3_settings', kind: 'user' }));
});

it('does not repeat a password that stands in the endpoint', () => {
  expect(() => resolve({ endpoint: 'https://me:hunter2@minio' })).toThrow(
    expect.objectContaining({ code: 'bad_s3_settings', message: expect.not.stringContaining('hunter2') }),
  );
});
