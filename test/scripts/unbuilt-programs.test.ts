import { existsSync, globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { init, parse } from 'es-module-lexer';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
await init;

/** Relative imports that do not name a file as it lies there: sources name what a build makes of their siblings. */
function* missingFrom(entry: string): Generator<string> {
  const seen = new Set<string>();
  const open = [entry];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const [imports] = parse(stripTypeScriptTypes(readFileSync(file, 'utf8'), { mode: 'transform' }), file);
    for (const { n: specifier } of imports) {
      if (!specifier?.startsWith('.')) continue;
      const imported = resolve(dirname(file), specifier);
      if (existsSync(imported)) open.push(imported);
      else yield `${relative(ROOT, file)} imports ${specifier}`;
    }
  }
}

/** Long runs that no test starts: without this they would break unnoticed. */
test.each(globSync(['bench/*.ts', 'test/*/run-*.ts'], { cwd: ROOT }))(
  '%s can be started by Node as it is',
  (program) => {
    expect([...missingFrom(join(ROOT, program))]).toEqual([]);
  },
);
