import type { DoctorAnswer, DoctorCheck } from '../answers/doctor.js';
import type { Style } from './style.js';

export function renderDoctor({ adctl, checks }: DoctorAnswer, style: Style): string {
  const mark = { ok: style.green('ok  '), warn: style.yellow('warn'), fail: style.red('fail') };
  const width = Math.max(...checks.map((check) => check.name.length));
  const lines = checks.flatMap((check: DoctorCheck) => [
    `${mark[check.status]}  ${check.name.padEnd(width)}  ${check.message}`,
    ...(check.mend === undefined ? [] : [`${' '.repeat(width + 8)}${style.cyan('mend:')} ${check.mend}`]),
  ]);
  return [`adctl ${adctl}`, ...lines].join('\n');
}
