import { type ObjectStore, openObjects } from '@adctl/storage';
import { type FakeS3, startFakeS3 } from '@adctl/storage/s3/testing';
import { type Cluster, type ClusterOptions, startCluster } from './cluster.ts';

const BUCKET = 'adctl';
const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };

export interface ClusterOnS3 {
  readonly cluster: Cluster;
  readonly s3: FakeS3;
  /** What the bucket holds, through a client of our own. */
  readonly objects: ObjectStore;
  close(): Promise<void>;
}

/** A cluster whose objects lie in the repository's own S3, which outlives everything that the cluster may lose. */
export async function startClusterOnS3(options: ClusterOptions): Promise<ClusterOnS3> {
  const s3 = await startFakeS3({ buckets: [BUCKET], keepRequests: false });
  Object.assign(process.env, CREDENTIALS); // where the SDK's chain finds them, here and in the processes
  const opened = await openObjects({ kind: 's3', settings: { bucket: BUCKET, endpoint: s3.endpoint } });
  const env = {
    ...options.env,
    ADCTL_OBJECTS: 's3',
    ADCTL_S3_BUCKET: BUCKET,
    ADCTL_S3_ENDPOINT: s3.endpoint,
    ADCTL_S3_RETRY_PAUSE_MS: '50',
  };
  const cluster = await startCluster({ ...options, env });
  return {
    cluster,
    s3,
    objects: opened.store,
    async close() {
      await cluster.close();
      opened.close();
      await s3.close();
    },
  };
}
