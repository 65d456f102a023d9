/**
 * Who may import whom (house rules), read by `check-imports.mjs`.
 *
 * `packages`: workspace packages that runtime code may import. `entries` narrows an import to one entry point.
 * `never`: other modules that no file of the package may import, by pattern, with the reason that is printed.
 */
const INPUT_OUTPUT = {
  pattern: /^(node:)?(fs|fs\/promises|net|http|https|http2|dgram|child_process|worker_threads|sqlite|dns|tls)$/,
  reason: 'this package does no input or output',
};
const TENSORS = { pattern: /^@tensorflow\//, reason: 'this package holds no tensors' };
const KUBERNETES = { pattern: /^@kubernetes\//, reason: 'only the controller talks to Kubernetes' };
const NATS = {
  pattern: /^(nats$|@nats-io\/)/,
  reason: 'the NATS client library stays in one file, packages/messaging/src/nats/client.ts',
};
const S3 = { pattern: /^@aws-sdk\//, reason: 'the S3 client stays in its adapter, packages/storage/src/s3/' };

export const IMPORT_TABLE = {
  '@adctl/protocol': { packages: [], never: [INPUT_OUTPUT, TENSORS, KUBERNETES, NATS, S3] },
  '@adctl/random': { packages: [], never: [INPUT_OUTPUT, TENSORS, KUBERNETES, NATS, S3] },
  '@adctl/search': {
    packages: ['@adctl/protocol', '@adctl/random'],
    never: [INPUT_OUTPUT, TENSORS, KUBERNETES, NATS, S3],
  },
  '@adctl/evaluation': {
    packages: ['@adctl/protocol', '@adctl/random'],
    never: [INPUT_OUTPUT, TENSORS, KUBERNETES, NATS, S3],
  },
  '@adctl/methods': {
    packages: ['@adctl/protocol', '@adctl/random', '@adctl/search'],
    never: [INPUT_OUTPUT, KUBERNETES, NATS, S3],
  },
  '@adctl/messaging': {
    packages: ['@adctl/protocol'],
    never: [TENSORS, KUBERNETES, S3, { ...NATS, except: 'src/nats/client.ts' }],
  },
  '@adctl/storage': { packages: ['@adctl/protocol'], never: [TENSORS, KUBERNETES, NATS, { ...S3, except: 'src/s3/' }] },
  '@adctl/datasets': { packages: ['@adctl/protocol', '@adctl/random'], never: [TENSORS, KUBERNETES, NATS, S3] },
  '@adctl/engine': { packages: ['@adctl/protocol'], never: [KUBERNETES, NATS, S3] },
  '@adctl/controller': {
    packages: [
      ...['@adctl/protocol', '@adctl/random', '@adctl/search', '@adctl/evaluation', '@adctl/methods'],
      ...['@adctl/messaging', '@adctl/storage', '@adctl/datasets', '@adctl/engine'],
    ],
    entries: { '@adctl/engine': ['./code-version'] },
    never: [TENSORS, NATS, S3],
  },
  '@adctl/worker': {
    packages: [
      ...['@adctl/protocol', '@adctl/random', '@adctl/methods', '@adctl/evaluation', '@adctl/messaging'],
      ...['@adctl/storage', '@adctl/datasets', '@adctl/engine'],
    ],
    never: [KUBERNETES, NATS, S3],
  },
  adctl: {
    packages: [
      ...['@adctl/protocol', '@adctl/random', '@adctl/search', '@adctl/evaluation', '@adctl/methods'],
      ...['@adctl/messaging', '@adctl/storage', '@adctl/datasets', '@adctl/controller', '@adctl/engine'],
    ],
    entries: { '@adctl/controller': ['./embedded'], '@adctl/engine': ['./status'] },
    never: [TENSORS, KUBERNETES, NATS, S3],
  },
  '@adctl/testkit': { packages: ['@adctl/protocol', '@adctl/random'], never: [] },
};

/** Packages from whose files no static import may lead to a tensor library, through however many files. */
export const TENSOR_FREE = ['adctl', '@adctl/controller'];
export const TENSOR_LIBRARY = TENSORS.pattern;

/** Files that never run in production: they may use the testkit, and whatever their package lists for development. */
export const TEST_FILE = /(\.(test|bench|fixtures)\.ts$)|(^src\/contracts\/)|(\/contracts\/)/;
