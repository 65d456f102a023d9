import { defineConfig } from 'vitest/config';

/** Sibling packages resolve to their TypeScript sources in this process; child processes run the built `dist`. */
const resolveToSource = { ssr: { resolve: { conditions: ['source', 'node', 'import', 'default'] } } };

/** Against real nats-servers: these mostly wait for real time to pass, so their files run side by side. */
const NATS_TESTS = 'packages/messaging/src/nats/**/*.integration.test.ts';

/** The real programs of a cluster around a real nats-server, disturbed on purpose. */
const CLUSTER_TESTS = 'test/cluster/**/*.integration.test.ts';

/** The file suffix picks the project (house style: tests beside the code). */
export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      {
        ...resolveToSource,
        test: {
          setupFiles: ['./vitest.setup.ts'],
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [
            ...['**/*.learn.test.ts', '**/*.pretrained.test.ts', '**/*.integration.test.ts'],
            ...['**/node_modules/**', '**/dist/**'],
          ],
          // No limit on speed, only on hanging: loading the engine alone takes seconds on a loaded machine.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...resolveToSource,
        test: {
          setupFiles: ['./vitest.setup.ts'],
          name: 'integration',
          include: ['packages/*/src/**/*.integration.test.ts', 'test/**/*.integration.test.ts'],
          exclude: [NATS_TESTS, CLUSTER_TESTS, '**/node_modules/**', '**/dist/**'],
          testTimeout: 180_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        ...resolveToSource,
        test: {
          setupFiles: ['./vitest.setup.ts'],
          name: 'nats',
          include: [NATS_TESTS],
          maxWorkers: 4,
          testTimeout: 60_000,
          hookTimeout: 180_000,
        },
      },
      {
        ...resolveToSource,
        test: {
          setupFiles: ['./vitest.setup.ts'],
          name: 'cluster',
          include: [CLUSTER_TESTS],
          testTimeout: 300_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        // With published weights, which `npm run pretrained` fetches.
        ...resolveToSource,
        test: {
          setupFiles: ['./vitest.setup.ts'],
          name: 'pretrained',
          include: ['packages/*/src/**/*.pretrained.test.ts'],
          testTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        ...resolveToSource,
        test: {
          setupFiles: ['./vitest.setup.ts'],
          name: 'learn',
          include: ['packages/*/src/**/*.learn.test.ts'],
          testTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
