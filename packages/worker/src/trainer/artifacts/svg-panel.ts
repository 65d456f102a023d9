/** One line or outline of a panel; points in data units, x ascending. */
export interface Series {
  readonly name: string;
  readonly color: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Fills down to the lower edge, half transparent. */
  readonly filled?: boolean;
  readonly dashed?: boolean;
}

export interface Panel {
  readonly title: string;
  readonly xLabel: string;
  readonly series: readonly Series[];
  /** Default: from the lowest to the highest value of the series. */
  readonly xRange?: readonly [number, number];
  readonly yRange?: readonly [number, number];
  /** A vertical mark with its words. */
  readonly mark?: { readonly x: number; readonly label: string };
}

export const COLORS = { first: '#1f5fa8', second: '#c2452d', quiet: '#8a8f98' } as const;

const PANEL = { width: 420, height: 260, left: 58, right: 16, top: 34, bottom: 42 };

/**
 * Draws panels in rows as one SVG document, with axes, ticks and a legend where a panel has several series. Plain
 * shapes and text, no scripts or styles from elsewhere, so every viewer shows it.
 */
export function toSvg(panels: readonly Panel[], columns = Math.max(1, Math.min(3, panels.length))): string {
  const width = columns * PANEL.width;
  const height = Math.ceil(panels.length / columns) * PANEL.height;
  const placed = panels.map((panel, i) => {
    const [x, y] = [(i % columns) * PANEL.width, Math.floor(i / columns) * PANEL.height];
    return `<g transform="translate(${x} ${y})">${drawPanel(panel)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...placed,
    '</svg>\n',
  ].join('\n');
}

function drawPanel({ title, xLabel, series, xRange, yRange, mark }: Panel): string {
  const points = series.flatMap((one) => one.points);
  const [x0, x1] = widen(xRange ?? extent(points.map(([x]) => x)));
  const [y0, y1] = widen(yRange ?? extent(points.map(([, y]) => y)));
  const { left, top } = PANEL;
  const right = PANEL.width - PANEL.right;
  const bottom = PANEL.height - PANEL.bottom;
  const toX = (x: number) => round(left + ((x - x0) / (x1 - x0)) * (right - left));
  const toY = (y: number) => round(bottom - ((y - y0) / (y1 - y0)) * (bottom - top));

  const parts = [`<text x="${left}" y="18" font-size="13" font-weight="600">${toXml(title)}</text>`];
  for (const tick of ticks(y0, y1)) {
    parts.push(`<line x1="${left}" x2="${right}" y1="${toY(tick)}" y2="${toY(tick)}" stroke="#e4e6ea"/>`);
    parts.push(`<text x="${left - 6}" y="${toY(tick) + 4}" text-anchor="end">${label(tick)}</text>`);
  }
  for (const tick of ticks(x0, x1)) {
    parts.push(`<text x="${toX(tick)}" y="${bottom + 15}" text-anchor="middle">${label(tick)}</text>`);
  }
  parts.push(
    `<text x="${(left + right) / 2}" y="${bottom + 32}" text-anchor="middle" fill="#555">${toXml(xLabel)}</text>`,
  );
  if (mark !== undefined) {
    const x = toX(mark.x);
    parts.push(
      `<line x1="${x}" x2="${x}" y1="${top}" y2="${bottom}" stroke="${COLORS.quiet}" stroke-dasharray="3 3"/>`,
    );
    const anchor = x > (left + right) / 2 ? 'end' : 'start';
    parts.push(
      `<text x="${x + (anchor === 'end' ? -4 : 4)}" y="${(top + bottom) / 2}" text-anchor="${anchor}" fill="#555">${toXml(mark.label)}</text>`,
    );
  }
  for (const { color, points: line, filled, dashed } of series) {
    const path = line.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${toX(x)} ${toY(y)}`).join('');
    if (filled && line.length > 0) {
      const closed = `${path}L${toX(line.at(-1)![0])} ${bottom}L${toX(line[0]![0])} ${bottom}Z`;
      parts.push(`<path d="${closed}" fill="${color}" fill-opacity="0.35" stroke="none"/>`);
    }
    parts.push(
      `<path d="${path}" fill="none" stroke="${color}" stroke-width="1.5"${dashed ? ' stroke-dasharray="4 3"' : ''}/>`,
    );
    if (line.length === 1)
      parts.push(`<circle cx="${toX(line[0]![0])}" cy="${toY(line[0]![1])}" r="3" fill="${color}"/>`);
  }
  if (series.length > 1) parts.push(...series.map((one, i) => drawLegend(one, right, (top + bottom) / 2 + 15 * i)));
  parts.push(`<path d="M${left} ${top}V${bottom}H${right}" fill="none" stroke="#555"/>`);
  return parts.join('\n');
}

function drawLegend({ name, color }: Series, right: number, y: number): string {
  return `<text x="${right - 4}" y="${y}" text-anchor="end" fill="${color}">${toXml(name)}</text>`;
}

/** Round values inside a range, about five. */
function ticks(from: number, to: number): number[] {
  const rough = (to - from) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => (first + i) * step);
}

function extent(values: readonly number[]): [number, number] {
  return values.length === 0
    ? [0, 1]
    : values.reduce<[number, number]>(
        ([low, high], v) => [Math.min(low, v), Math.max(high, v)],
        [values[0]!, values[0]!],
      );
}

/** A range of length zero cannot be drawn. */
function widen([from, to]: readonly [number, number]): readonly [number, number] {
  return to > from ? [from, to] : [from - Math.max(Math.abs(from) * 0.1, 0.5), to + Math.max(Math.abs(to) * 0.1, 0.5)];
}

function label(value: number): string {
  const text =
    Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3) ? value.toExponential(1) : value.toPrecision(4);
  return text.includes('e') ? text : String(Number(text));
}

const round = (value: number) => Math.round(value * 10) / 10;
const toXml = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
