import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const NOT_SHIPPED = /(\.test|\.fixtures|\.bench|noop-main)\.ts$|\/(testing|contracts|contract|testkit)\//;

/** Codes that sources give to errors a person can meet, with their kind; bugs explain themselves by their stack. */
function codesInSources(): Map<string, string> {
  const codes = new Map<string, string>();
  for (const file of globSync('packages/*/src/**/*.ts', { cwd: ROOT })) {
    if (NOT_SHIPPED.test(file)) continue;
    const text = readFileSync(`${ROOT}${file}`, 'utf8');
    for (const [, code = ''] of text.matchAll(/userError\(\s*'([a-z_]+)'/g)) codes.set(code, 'user');
    for (const [, code = '', kind = ''] of text.matchAll(/code: '([a-z_0-9]+)',\s*kind: '(\w+)'/g)) {
      if (kind !== 'bug') codes.set(code, kind);
    }
  }
  return codes;
}

function codesInReference(): Map<string, string> {
  const text = readFileSync(`${ROOT}docs/errors.md`, 'utf8');
  return new Map([...text.matchAll(/^\| `([a-z_]+)` \| (\w+) \|/gm)].map(([, code = '', kind = '']) => [code, kind]));
}

it('docs/errors.md names every error that a person can meet, with its kind', () => {
  const documented = codesInReference();
  const missing = [...codesInSources()].filter(([code, kind]) => documented.get(code) !== kind);

  expect(missing).toEqual([]);
});
