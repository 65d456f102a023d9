#!/bin/sh
# Leaves in a built workspace what its programs need to run. The image brings its own Node, and nobody reads types there.
set -eu
npm prune --omit=dev --no-audit --no-fund
rm -rf packages/testkit node_modules/@adctl/testkit packages/*/dist/contracts node_modules/node-linux-* node_modules/.bin/node
find packages -mindepth 2 -maxdepth 2 \
  ! -name bin ! -name dist ! -name node_modules ! -name package.json ! -name oclif.manifest.json -exec rm -r {} +
find packages node_modules -type f \( -name '*.d.ts' -o -name '*.map' -o -name '*.tsbuildinfo' \) -delete
# Whatever the builder's umask was when the checkout was made: another user runs it.
chmod -R a+rX package.json packages node_modules
