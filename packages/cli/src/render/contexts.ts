import type { ContextAnswer, ContextsListAnswer } from '../answers/contexts.js';
import type { Style } from './style.js';
import { renderTable } from './table.js';

export function renderContexts(contexts: ContextsListAnswer, style: Style): string {
  if (contexts.length === 0)
    return 'There are no contexts: commands work in the folder. Add one with: adctl contexts add';
  return renderTable(
    contexts,
    [
      { head: 'IN USE', value: ({ current }) => (current ? '*' : '') },
      { head: 'NAME', value: ({ name }) => name },
      { head: 'AS', value: ({ context }) => context.identity },
      { head: 'SERVERS', value: ({ context }) => context.servers.join(', ') },
      { head: 'NAMESPACE', value: ({ context }) => context.namespace ?? '-' },
    ],
    style,
  );
}

/** One context, a line for each of its facts. */
export function renderContext({ name, current, context }: ContextAnswer, style: Style): string {
  const facts = Object.entries(context).map(([key, value]) => `  ${key}: ${[value].flat().join(', ')}`);
  return [`${style.bold(name)}${current ? ' (in use)' : ''}`, ...facts].join('\n');
}
