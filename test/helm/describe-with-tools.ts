import { findKubernetesTools, type KubernetesTools } from '@adctl/testkit';
import { describe, test } from 'vitest';

type Found = Exclude<KubernetesTools, { readonly missing: string }>;

const generations = await findKubernetesTools();

/** Runs a suite with each generation of real helm and kubectl; one that cannot be had is skipped by name, with the reason. */
export function describeWithTools(title: string, suite: (tools: Found) => void): void {
  for (const tools of generations) {
    describe(`${title}, ${tools.name}`, () => {
      if ('missing' in tools) test.skip(`cannot be had here: ${tools.missing}`, () => undefined);
      else suite(tools);
    });
  }
}
