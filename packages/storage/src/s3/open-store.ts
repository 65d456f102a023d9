import { AdctlError } from '@adctl/protocol';
import type { ObjectStore } from '../object-store.js';
import { probeS3, type S3Capabilities } from './probe.js';
import { createS3Store, type S3Runtime } from './s3-store.js';
import { resolveSettings, type S3Settings } from './settings.js';
import { createSingleWriterStore } from './single-writer.js';

export interface OpenedS3Store {
  readonly store: ObjectStore;
  /** `s3://bucket/prefix/`, before every key. */
  readonly address: string;
  readonly capabilities: S3Capabilities;
  /** `single-writer` when conditions are compared by us (`docs/storage.md`, degraded mode). */
  readonly mode: 'full' | 'single-writer';
  close(): void;
}

/** Without these nothing works, whoever writes. */
const ALWAYS_NEEDED = ['multipart', 'strongList'] as const;
/** Without these several writers cannot share a key. */
const NEEDED_TO_SHARE = ['putIfAbsent', 'putIfAbsentAtomic', 'putIfMatch', 'completeIfAbsent'] as const;

/**
 * Opens a store and looks at what it can do before anything relies on it.
 * @throws AdctlError user `bad_s3_settings`; permanent `storage_unfit` naming what the store lacks, unless the settings
 * allow the degraded mode and that is enough; whatever the store throws while it is probed.
 */
export async function openS3Store(settings: S3Settings, runtime: S3Runtime = {}): Promise<OpenedS3Store> {
  const store = createS3Store(settings, runtime);
  const close = () => store.close();
  const { bucket, prefix } = resolveSettings(settings);
  const address = `s3://${bucket}/${prefix}`;
  try {
    await store.region();
    const capabilities = await probeS3(store);
    const missing = ALWAYS_NEEDED.filter((name) => !capabilities[name]);
    const unshared = NEEDED_TO_SHARE.filter((name) => !capabilities[name]);
    if (missing.length > 0)
      throw unfit(settings, missing, 'Use another store; docs/storage.md lists those that are known to do.');
    if (unshared.length === 0) return { store, address, capabilities, mode: 'full', close };
    if (settings.degraded !== 'single-writer') {
      throw unfit(
        settings,
        unshared,
        "Update the store or use another one, or accept `degraded: 'single-writer'` (docs/storage.md).",
      );
    }
    return { store: createSingleWriterStore(store), address, capabilities, mode: 'single-writer', close };
  } catch (error) {
    close();
    throw error;
  }
}

function unfit({ bucket }: S3Settings, missing: readonly string[], hint: string): AdctlError {
  return new AdctlError(`the object store of bucket ${bucket} lacks what adctl relies on: ${missing.join(', ')}`, {
    code: 'storage_unfit',
    kind: 'permanent',
    hint,
    details: { bucket, missing },
  });
}
