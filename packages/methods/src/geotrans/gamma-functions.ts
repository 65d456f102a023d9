/** Below this the argument is raised by the recurrence, so that the asymptotic series is exact to float64. */
const SERIES_FROM = 10;
export const EULER_GAMMA = 0.5772156649015329;

/** `digamma(x) = d/dx ln Gamma(x)` for x > 0, to about 1e-14. */
export function digamma(x: number): number {
  let shift = 0;
  let y = x;
  for (; y < SERIES_FROM; y++) shift -= 1 / y;
  const s = 1 / (y * y);
  const series = s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s / 132))));
  return shift + Math.log(y) - 1 / (2 * y) - series;
}

/** `trigamma(x)`, the derivative of digamma, for x > 0. */
export function trigamma(x: number): number {
  let shift = 0;
  let y = x;
  for (; y < SERIES_FROM; y++) shift += 1 / (y * y);
  const s = 1 / (y * y);
  const series = s * (1 / 6 - s * (1 / 30 - s * (1 / 42 - s * (1 / 30 - (5 * s) / 66))));
  return shift + 1 / y + s / 2 + series / y;
}

/** The x > 0 with `digamma(x) = y`: Minka's start and five Newton steps, which reach float64 for every y. */
export function invDigamma(y: number): number {
  let x = y >= -2.22 ? Math.exp(y) + 0.5 : -1 / (y + EULER_GAMMA);
  for (let step = 0; step < 5; step++) x -= (digamma(x) - y) / trigamma(x);
  return x;
}
