import { join } from 'node:path';
import type { ObjectStore } from './object-store.js';
import type { RetryNote } from './s3/retry.js';
import type { S3Settings } from './s3/settings.js';

/** Where the objects are. */
export type ObjectPlace =
  | { readonly kind: 'filesystem'; readonly directory: string }
  | { readonly kind: 's3'; readonly settings: S3Settings };

/** A store that is open, with what people want to know of it. */
export interface OpenedObjects {
  readonly store: ObjectStore;
  /** Where an object lies: a file's path, or its S3 address. */
  locate(key: string): string;
  /** For `adctl doctor` and the log: the place without any secret, and how much the store honours. */
  readonly facts: {
    readonly kind: ObjectPlace['kind'];
    readonly place: string;
    readonly mode: 'full' | 'single-writer';
    /** What was tried at start, by name; empty for a folder. */
    readonly capabilities: Readonly<Record<string, boolean>>;
  };
  close(): void;
}

/**
 * Opens the store and, for S3, looks at what it can do. The S3 client is loaded only when it is needed.
 * @param runtime.onRetry hears before every other try.
 * @throws AdctlError user `bad_s3_settings`; permanent `storage_unfit`; what the store throws while it is probed.
 */
export async function openObjects(
  place: ObjectPlace,
  runtime: { readonly onRetry?: (note: RetryNote) => void } = {},
): Promise<OpenedObjects> {
  if (place.kind === 'filesystem') {
    const { createFilesystemStore } = await import('./filesystem/index.js');
    const { directory } = place;
    return {
      store: createFilesystemStore(directory),
      locate: (key) => join(directory, ...key.split('/')),
      facts: { kind: 'filesystem', place: directory, mode: 'full', capabilities: {} },
      close: () => undefined,
    };
  }
  const { openS3Store } = await import('./s3/index.js');
  const { store, address, capabilities, mode, close } = await openS3Store(place.settings, runtime);
  return {
    store,
    locate: (key) => address + key,
    facts: { kind: 's3', place: address, mode, capabilities: { ...capabilities } },
    close,
  };
}
