import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { isObjectKey } from '../object-key.js';
import type { ObjectInfo } from '../object-store.js';
import { toObjectInfo } from './reading.js';
import { placeOf, type S3Context } from './s3-context.js';

/**
 * Objects below a prefix, page after page, each fetched when the reader gets there. What lies below the store's prefix
 * but is no key of ours (a folder marker of some console, say) is passed over.
 */
export async function* listObjects(context: S3Context, prefix: string, after: string): AsyncGenerator<ObjectInfo> {
  const { client, retry, settings } = context;
  const place = placeOf(context, 'ListObjectsV2', prefix);
  const request = { Bucket: settings.bucket, Prefix: settings.prefix + prefix, MaxKeys: settings.pageSize };
  let from: { StartAfter?: string; ContinuationToken?: string } =
    after === '' ? {} : { StartAfter: settings.prefix + after };
  while (true) {
    const page = await retry.run(place, () => client.send(new ListObjectsV2Command({ ...request, ...from })));
    const contents = page.Contents ?? [];
    for (const item of contents) {
      const whole = item.Key ?? '';
      const key = whole.slice(settings.prefix.length);
      if (whole.startsWith(request.Prefix) && isObjectKey(key)) yield toObjectInfo(key, item, item.Size ?? 0);
    }
    const last = contents.at(-1)?.Key;
    if (!page.IsTruncated || last === undefined) return;
    from = page.NextContinuationToken ? { ContinuationToken: page.NextContinuationToken } : { StartAfter: last };
  }
}
