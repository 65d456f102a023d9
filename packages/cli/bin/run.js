#!/usr/bin/env node
// Plain JavaScript without imports at the top, so that an old Node still gets the message below.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 12)) {
  process.stderr.write(
    `adctl needs Node.js 22.12 or newer; this is ${process.versions.node} (${process.execPath}).\n` +
      'In a checkout, npx adctl uses the Node 24 that npm install put into node_modules/.bin.\n',
  );
  process.exit(2);
}
const { main } = await import('../dist/main.js');
await main(process.argv.slice(2), import.meta.url);
