import { didYouMean, userError } from '@adctl/protocol';
import { Context, type ContextFile, readContexts, writeContexts } from './context-file.js';

/** A context with its name. */
export interface NamedContext {
  readonly name: string;
  readonly current: boolean;
  readonly context: Context;
}

/** All contexts by name. */
export async function listContexts(file: string): Promise<NamedContext[]> {
  const { contexts, current } = await readContexts(file);
  return Object.entries(contexts)
    .map(([name, context]) => ({ name, current: name === current, context }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @throws AdctlError user `unknown_context`, also when no name is given and none is in use. */
export async function findContext(file: string, name: string | undefined): Promise<NamedContext> {
  const contexts = await readContexts(file);
  return pick(contexts, name ?? contexts.current);
}

/** The context in use; null when there is none: then commands work in the folder. @throws AdctlError user `unknown_context` */
export async function findCurrentContext(file: string): Promise<NamedContext | null> {
  const contexts = await readContexts(file);
  return contexts.current === undefined ? null : pick(contexts, contexts.current);
}

/**
 * Adds a context, and uses it when it is the first one or `use` says so.
 * @throws AdctlError user `context_exists`, `bad_context`
 */
export async function addContext(
  file: string,
  added: { readonly name: string; readonly context: unknown; readonly use: boolean; readonly replace: boolean },
): Promise<NamedContext> {
  const { name, use, replace } = added;
  const before = await readContexts(file);
  if (before.contexts[name] !== undefined && !replace) {
    throw userError('context_exists', `There is a context "${name}" already.`, {
      hint: 'Take another name, or give --replace.',
    });
  }
  const parsed = Context.safeParse(added.context);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw userError('bad_context', `The context cannot be used: ${issues.join('; ')}`, { details: { issues } });
  }
  const isFirst = Object.keys(before.contexts).length === 0;
  const current = use || isFirst ? name : before.current;
  await writeContexts(file, {
    ...before,
    ...(current === undefined ? {} : { current }),
    contexts: { ...before.contexts, [name]: parsed.data },
  });
  return { name, current: current === name, context: parsed.data };
}

/** Makes a context the one in use. @throws AdctlError user `unknown_context` */
export async function switchContext(file: string, name: string): Promise<NamedContext> {
  const contexts = await readContexts(file);
  const { context } = pick(contexts, name);
  await writeContexts(file, { ...contexts, current: name });
  return { name, current: true, context };
}

/** Removes a context; when it was in use, none is. @throws AdctlError user `unknown_context` */
export async function removeContext(file: string, name: string): Promise<NamedContext> {
  const { current, contexts, ...rest } = await readContexts(file);
  const removed = pick({ ...rest, current, contexts }, name);
  const { [name]: _gone, ...others } = contexts;
  await writeContexts(file, {
    ...rest,
    ...(current === undefined || current === name ? {} : { current }),
    contexts: others,
  });
  return removed;
}

function pick({ contexts, current }: ContextFile, name: string | undefined): NamedContext {
  const context = name === undefined ? undefined : contexts[name];
  if (name !== undefined && context !== undefined) return { name, current: name === current, context };
  const known = Object.keys(contexts);
  const near = name === undefined ? undefined : didYouMean(name, known);
  throw userError('unknown_context', name === undefined ? 'No context is in use.' : `There is no context "${name}".`, {
    hint:
      known.length === 0
        ? 'Add one with adctl contexts add.'
        : `${near === undefined ? '' : `Did you mean ${near}? `}adctl contexts list shows all.`,
  });
}
