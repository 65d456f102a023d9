import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findImagesPlan } from './images-step.mjs';
import { SetupProblem, seconds } from './report.mjs';
import { ROOT, run } from './run.mjs';
import { readReport } from './vitest-report.mjs';

/**
 * Everything `npm test` checks, in this order. A failing step does not keep the later ones from running. One with a `plan` asks first
 * what it takes here; one that is `onDemand` runs only when it is named.
 */
export const TEST_STEPS = [
  { name: 'lint', command: ['biome', 'ci', '--colors=off'] },
  {
    name: 'imports',
    command: ['node', '--disable-warning=ExperimentalWarning', join(ROOT, 'scripts/check-imports.mjs')],
  },
  { name: 'types', command: ['tsc', '-p', 'tsconfig.test.json'] },
  { name: 'unit', project: true },
  { name: 'integration', project: true },
  { name: 'nats', project: true },
  { name: 'cluster', project: true },
  { name: 'learn', project: true },
  {
    name: 'images',
    command: ['node', '--disable-warning=ExperimentalWarning', join(ROOT, 'test/images/run-build.ts')],
    plan: findImagesPlan,
    onDemand: 'they take minutes and download their packages anew',
  },
];

/**
 * Runs the steps and ends with `N passed, N failed, N skipped`, the tests of all vitest projects together. What failed is told right
 * above it once more, because who reads the log of another machine often gets only its end.
 *
 * @param {string[]} names only these steps; none means all
 * @returns {Promise<number>} 0 when every step passed; 130 when interrupted
 */
export async function runTests(names) {
  const unknown = names.filter((name) => !TEST_STEPS.some((step) => step.name === name));
  if (unknown.length > 0) {
    const known = TEST_STEPS.map((step) => step.name).join(', ');
    throw new SetupProblem(`No such test step: ${unknown.join(', ')}. There are: ${known}.`);
  }
  const chosen = TEST_STEPS.filter((step) => names.length === 0 || names.includes(step.name));
  const start = Date.now();
  const reports = await mkdtemp(join(tmpdir(), 'adctl-test-'));
  const outcomes = [];
  try {
    for (const step of chosen) {
      const outcome = await runStep(step, { reports, isNamed: names.length > 0 });
      outcomes.push(outcome);
      if (outcome.code === 130) break;
    }
  } finally {
    await rm(reports, { recursive: true, force: true });
  }
  printSummary(outcomes, seconds(Date.now() - start));
  if (outcomes.some((outcome) => outcome.code === 130)) return 130;
  return outcomes.every((outcome) => outcome.code === 0) ? 0 : 1;
}

async function runStep(step, { reports, isNamed }) {
  const start = Date.now();
  process.stdout.write(`\n── ${step.name}\n`);
  const plan = step.plan === undefined ? { args: [] } : await step.plan();
  const notRun = whyNotRun(step, plan, isNamed);
  if (notRun !== undefined) {
    process.stdout.write(`── ${step.name}: ${notRun}\n`);
    return { name: step.name, code: isNamed ? 1 : 0, notRun }; // who asks for it by name is not told that it passed
  }
  const report = join(reports, `${step.name}.json`);
  const [command, ...args] = step.project === true ? vitest(step.name, report) : [...step.command, ...plan.args];
  const code = await run(command, args);
  if (code !== 0) process.stdout.write(`── ${step.name} failed (exit ${code})\n`);
  const tests = step.project === true ? await readReport(report, ROOT) : undefined;
  // vitest also fails for errors outside any test; that must not end in "0 failed".
  if (tests !== undefined && code !== 0 && tests.failed === 0) tests.failed = 1;
  return { name: step.name, code, tests, time: seconds(Date.now() - start) };
}

/**
 * Why a step does nothing.
 *
 * @param {{ name: string, onDemand?: string }} step
 * @param {{ args: string[] } | { missing: string }} plan
 * @param {boolean} isNamed on the command line
 * @returns {string | undefined} undefined: it runs
 */
export function whyNotRun({ name, onDemand }, plan, isNamed) {
  if ('missing' in plan) return `not built: ${plan.missing}`;
  if (onDemand === undefined || isNamed) return undefined;
  return `not built: ${onDemand}. Build and check them with: npm test -- ${name}`;
}

function vitest(project, report) {
  return [
    'vitest',
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
}

function printSummary(outcomes, time) {
  const lines = TEST_STEPS.map(({ name }) => {
    const outcome = outcomes.find((item) => item.name === name);
    if (outcome === undefined) {
      return `  - ${name}: not run`;
    }
    if (outcome.notRun !== undefined) return `  - ${name}: ${outcome.notRun}`;
    const counts = outcome.tests === undefined ? '' : `, ${counted(outcome.tests)}`;
    return `  ${outcome.code === 0 ? '✓' : '✗'} ${name} (${outcome.time}${counts})`;
  });
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { tests } of outcomes) {
    for (const key of Object.keys(total)) total[key] += tests?.[key] ?? 0;
  }
  const skipped = outcomes.flatMap(({ name, tests, notRun }) =>
    (notRun === undefined ? (tests?.skippedWhat ?? []) : [notRun]).map((what) => `  - ${name}: ${what}`),
  );
  const notRun =
    skipped.length === 0
      ? ''
      : `\nSkipped, each by the reason in its name or because a store or server lacks what it tests:\n${skipped.join('\n')}\n`;
  const failed = failuresOf(outcomes);
  const failures = failed.length === 0 ? '' : `\nFailed:\n${failed.join('\n')}\n`;
  process.stdout.write(`\nTests took ${time}:\n${lines.join('\n')}\n${notRun}${failures}\n${counted(total)}\n`);
}

/** At most this many failures are told again: with more, one cause is likely, and the step's own output holds them all. */
const FAILURES_TOLD = 10;

function failuresOf(outcomes) {
  const failures = outcomes.flatMap(({ name, code, tests }) => {
    if (code === undefined || code === 0) return [];
    const told = tests?.failedWhat ?? [];
    return (told.length === 0 ? [`exit code ${code}, see its output above`] : told).map(
      (what) => `  - ${name}: ${what}`,
    );
  });
  const more = failures.length - FAILURES_TOLD;
  return more > 0 ? [...failures.slice(0, FAILURES_TOLD), `  - and ${more} more, see above`] : failures;
}

function counted({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
