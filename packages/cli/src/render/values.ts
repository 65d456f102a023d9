/** How single values look in tables and lines. */

/** A metric in [0, 1]: `0.9314`; a dash where there is none. */
export function metric(value: number | undefined | null): string {
  return value === undefined || value === null ? '-' : value.toFixed(4);
}

/** Whole numbers in groups of three: `1,234,567`. */
export function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** A hyperparameter: numbers as short as they can be, the rest as JSON without quotes around words. */
export function plainValue(value: unknown): string {
  if (value === undefined) return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Hyperparameters on one line: `learningRate=0.001 lambdaRec=10`. */
export function hyperparameterLine(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${plainValue(value)}`)
    .join(' ');
}

/** Seconds as people say them: `8 s`, `3 min 20 s`, `2 h 5 min`, `1 d 4 h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const units = [
    ['d', Math.floor(whole / 86_400)],
    ['h', Math.floor(whole / 3_600) % 24],
    ['min', Math.floor(whole / 60) % 60],
    ['s', whole % 60],
  ] as const;
  const first = units.findIndex(([, value]) => value > 0);
  return units
    .slice(first, first + 2)
    .filter(([, value]) => value > 0)
    .map(([unit, value]) => `${value} ${unit}`)
    .join(' ');
}

/** Bytes with decimal prefixes: `9.9 MB`. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = value < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return power === 0 ? `${value} B` : `${(value / 1000 ** power).toFixed(1)} ${units[power]}`;
}

/** A shape: `[28, 28, 1]`. */
export function shape(sides: readonly number[]): string {
  return `[${sides.join(', ')}]`;
}

/** `1 trial`, `2 trials`; words that do not just take an s give their plural. */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

/** `resnet18, random`, or the architecture and the first digits of the digest of its weights. */
export function backboneText({ architecture, weights }: { architecture: string; weights: string }): string {
  return `${architecture}, ${weights === 'random' ? weights : weights.slice(0, 12)}`;
}
