/**
 * Puts objects as a worker does its results, and nothing else: `node put-objects.ts ENDPOINT BUCKET NAME COUNT BYTES SLOTS`.
 * Prints begin and end in milliseconds since 1970. A process of its own, as a worker is.
 */
import { createS3Store } from '@adctl/storage/s3';

const [endpoint = '', bucket = '', name = '', count = '', bytes = '', slots = ''] = process.argv.slice(2);
const content = Buffer.alloc(Number(bytes), 'x');
const store = createS3Store({ bucket, endpoint });
let next = 0;
const slot = async (end: number) => {
  while (next < end) {
    next += 1;
    await store.put(`v1/ceiling/${name}/${next}.json`, content, { ifAbsent: true, contentType: 'application/json' });
  }
};
const run = (end: number) => Promise.all(Array.from({ length: Number(slots) }, () => slot(end)));
await run(10 * Number(slots)); // connections and compiled code
const begin = Date.now();
await run(next + Number(count));
console.log(JSON.stringify({ begin, end: Date.now() }));
store.close();
