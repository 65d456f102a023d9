import { type ObjectStore, openObjects } from '@adctl/storage';
import { type FakeS3, startFakeS3 } from '@adctl/storage/s3/testing';
import { type Cluster, type ClusterOptions, startCluster } from './cluster.ts';

const BUCKET = 'adctl';
export const S3_CREDENTIALS = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };

/** The repository's own S3 with a bucket. */
export interface Bucket {
  readonly s3: FakeS3;
  /** What the bucket holds, through a client of our own. */
  readonly objects: ObjectStore;
  /** Variables that name it to the programs. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export async function startBucket(): Promise<Bucket> {
  const s3 = await startFakeS3({ buckets: [BUCKET], keepRequests: false });
  Object.assign(process.env, S3_CREDENTIALS); // where the SDK's chain finds them, here and in the processes
  const opened = await openObjects({ kind: 's3', settings: { bucket: BUCKET, endpoint: s3.endpoint } });
  return {
    s3,
    objects: opened.store,
    env: {
      ADCTL_OBJECTS: 's3',
      ADCTL_S3_BUCKET: BUCKET,
      ADCTL_S3_ENDPOINT: s3.endpoint,
      ADCTL_S3_RETRY_PAUSE_MS: '50',
    },
    async close() {
      opened.close();
      await s3.close();
    },
  };
}

export interface ClusterOnS3 extends Omit<Bucket, 'env'> {
  readonly cluster: Cluster;
}

/** A cluster whose objects lie in a bucket, which outlives everything that the cluster may lose. */
export async function startClusterOnS3(options: ClusterOptions): Promise<ClusterOnS3> {
  const { s3, objects, env, close } = await startBucket();
  const cluster = await startCluster({ ...options, env: { ...options.env, ...env } });
  return {
    cluster,
    s3,
    objects,
    async close() {
      await cluster.close();
      await close();
    },
  };
}
