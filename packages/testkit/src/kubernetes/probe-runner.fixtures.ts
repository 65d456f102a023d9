import type { Probe, ProbeStep } from './probes.fixtures.js';

/** Where probes are run. */
export interface ProbeTarget {
  readonly url: string;
  readonly namespace: string;
  readonly request: typeof fetch;
}

/** Runs a probe. @returns what differs from the recorded answers, one line a difference. */
export async function runProbe(probe: Probe, target: ProbeTarget): Promise<string[]> {
  const saved = new Map([['ns', target.namespace]]);
  const differences: string[] = [];
  for (const step of probe.steps) differences.push(...(await runStep(step, saved, target)));
  return differences;
}

async function runStep(step: ProbeStep, saved: Map<string, string>, target: ProbeTarget): Promise<string[]> {
  const path = fill(step.path, saved);
  const response = await target.request(`${target.url}${path}`, {
    method: step.method,
    headers: { 'Content-Type': step.contentType ?? 'application/json', Accept: 'application/json' },
    ...(step.body === undefined ? {} : { body: fill(JSON.stringify(step.body), saved) }),
  });
  const text = await response.text();
  const answer: unknown = JSON.parse(text);
  for (const [name, where] of Object.entries(step.save ?? {})) saved.set(name, String(valueAt(answer, where)));
  const at = `${step.method} ${path}`;
  const expected = new Map(Object.entries(step.has ?? {}));
  if (step.reason !== undefined) expected.set('reason', step.reason);
  return [
    ...(response.status === step.code ? [] : [`${at}: ${response.status}, not ${step.code}: ${text}`]),
    ...[...expected].flatMap(([where, wanted]) => {
      const found = JSON.stringify(valueAt(answer, where));
      const want = wanted === undefined ? undefined : fill(JSON.stringify(wanted), saved);
      return found === want ? [] : [`${at}: ${where} is ${found}, not ${want}`];
    }),
    ...(step.says === undefined || `${text} ${response.headers.get('warning')}`.includes(step.says)
      ? []
      : [`${at}: does not say ${step.says}: ${text}`]),
  ];
}

const fill = (text: string, saved: ReadonlyMap<string, string>) =>
  text.replaceAll(/\{(ns|rv|next|uid)\}/g, (whole, name: string) => saved.get(name) ?? whole);

/** `a.0.b`; a dot within a key is written `~`. */
function valueAt(value: unknown, where: string): unknown {
  return where.split('.').reduce<unknown>((at, part) => {
    const key = part.replaceAll('~', '.');
    if (at === null || typeof at !== 'object') return undefined;
    // Servers leave out what is empty; a list that is not there has no items.
    return Reflect.get(at, key);
  }, value);
}
