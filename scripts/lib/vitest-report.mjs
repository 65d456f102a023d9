import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/**
 * What vitest's JSON report says of a run.
 *
 * @param {string} path of the report
 * @param {string} root file names are told from here
 */
export async function readReport(path, root) {
  let report;
  try {
    report = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return { passed: 0, failed: 1, skipped: 0 }; // vitest itself did not get that far
    throw error;
  }
  return { ...totalsOf(report), skippedWhat: skippedOf(report), failedWhat: failedOf(report, root) };
}

/**
 * Totals of a report. A file that fails before its first test (a broken import) counts as one failure.
 *
 * @param {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number,
 *   testResults: { status: string, assertionResults: unknown[] }[] }} report
 */
export function totalsOf(report) {
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + report.testResults.filter(isBroken).length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function isBroken(file) {
  return file.status === 'failed' && file.assertionResults.length === 0;
}

/**
 * What did not run, by the outermost title around it: a name tells the reason, and whole suites are one line.
 *
 * @param {{ testResults: { assertionResults: { status: string, ancestorTitles: string[], title: string }[] }[] }} report
 * @returns {string[]}
 */
export function skippedOf(report) {
  const groups = new Map();
  for (const { assertionResults } of report.testResults) {
    for (const { status, ancestorTitles, title } of assertionResults) {
      if (!['pending', 'skipped', 'todo'].includes(status)) continue;
      const group = ancestorTitles[0] ?? '';
      groups.set(group, [...(groups.get(group) ?? []), title]);
    }
  }
  return [...groups].map(([group, titles]) => {
    const what = titles.length === 1 ? titles[0] : `${titles.length} tests`;
    return group === '' ? what : `${group}: ${what}`;
  });
}

/** Lines of one failure's message: enough for the values that differ and the first places of the stack. */
const LINES_OF_A_FAILURE = 20;

/**
 * What failed: the file, the test's titles and the beginning of its message.
 *
 * @param {{ testResults: { name: string, status: string, message?: string, assertionResults:
 *   { status: string, ancestorTitles: string[], title: string, failureMessages?: string[] }[] }[] }} report
 * @param {string} root file names are told from here
 * @returns {string[]}
 */
export function failedOf(report, root) {
  return report.testResults.flatMap((file) => {
    const name = relative(root, file.name);
    if (isBroken(file)) return [`${name}${indented(file.message ?? '')}`];
    return file.assertionResults
      .filter((test) => test.status === 'failed')
      .map(({ ancestorTitles, title, failureMessages = [] }) =>
        [name, ...ancestorTitles, title].join(' > ').concat(indented(failureMessages.join('\n'))),
      );
  });
}

function indented(message) {
  const lines = stripVTControlCharacters(message)
    .split('\n')
    .filter((line) => line.trim() !== '');
  return lines
    .slice(0, LINES_OF_A_FAILURE)
    .map((line) => `\n      ${line}`)
    .join('');
}
