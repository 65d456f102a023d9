import { expect, test } from 'vitest';
import { findProblems, type Manifest } from './strict-manifest.js';

const deployment = (changes: object): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'x' },
  spec: {
    selector: { matchLabels: { app: 'x' } },
    template: {
      metadata: { labels: { app: 'x' } },
      spec: { containers: [{ name: 'x', image: 'x:1', ...changes }] },
    },
  },
});

test('accepts what an API server accepts', () => {
  expect(findProblems(deployment({ ports: [{ name: 'a', containerPort: 80 }] }))).toEqual([]);
});

test.each([
  [{ imagePolicy: 'Always' }, 'imagePolicy: unknown field'],
  [{ env: [{ name: 'A', value: 1 }] }, 'must be text, is 1'],
  [{ ports: [{ containerPort: '80' }] }, 'must be a number'],
  [{ livenessProbe: { httpGet: { path: '/' } } }, 'must have required property port'],
  [{ resources: { limits: { memory: 5 } } }, 'resources.limits.memory: must be text'],
  [{ securityContext: { capabilities: { drop: 'ALL' } } }, 'must be a list'],
] as const)('refuses %j', (changes, problem) => {
  expect(findProblems(deployment(changes)).join('\n')).toContain(problem);
});

test('a kind that neither library knows is a problem', () => {
  const manifest = { ...deployment({}), apiVersion: 'example.org/v1', kind: 'Sweep' };
  expect(findProblems(manifest).join('\n')).toContain('is no kind that can be checked');
});
