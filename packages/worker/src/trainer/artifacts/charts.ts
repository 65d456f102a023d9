import type { RocPoint, ScoreHistogram } from '@adctl/evaluation';
import type { Curves } from '../training-progress.js';
import { COLORS, type Panel, toSvg } from './svg-panel.js';

/** Learning curves as SVG: one panel per column, because their scales have nothing in common. */
export function drawCurves({ epochs, columns }: Curves, keptEpoch: number | null): string {
  const panels = Object.entries(columns).map(([name, values]): Panel => {
    const isSelection = name.startsWith('selection.');
    const points = epochs.map((epoch, i) => [epoch, values[i]!] as const);
    return {
      title: name,
      xLabel: 'epoch',
      series: [{ name, color: isSelection ? COLORS.second : COLORS.first, points }],
      ...(isSelection && keptEpoch !== null ? { mark: { x: keptEpoch, label: `kept: epoch ${keptEpoch}` } } : {}),
    };
  });
  return toSvg(panels);
}

/** The ROC curve of the test images as SVG. */
export function drawRoc(points: readonly RocPoint[], auroc: number): string {
  return toSvg([
    {
      title: `ROC, test images (AUROC ${auroc.toFixed(4)})`,
      xLabel: 'false positive rate',
      xRange: [0, 1],
      yRange: [0, 1],
      series: [
        { name: 'true positive rate', color: COLORS.first, points: points.map(({ fpr, tpr }) => [fpr, tpr]) },
        {
          name: 'chance',
          color: COLORS.quiet,
          points: [
            [0, 0],
            [1, 1],
          ],
          dashed: true,
        },
      ],
    },
  ]);
}

/** Test scores by label as SVG, each label's bars adding up to 1 so that a rare label stays visible. */
export function drawHistogram({ edges, normal, anomalous }: ScoreHistogram): string {
  const outline = (counts: readonly number[]) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    return counts.flatMap((count, i) => {
      const share = count / total;
      return [[edges[i]!, share] as const, [edges[i + 1]!, share] as const];
    });
  };
  const highest = Math.max(...[normal, anomalous].flatMap((counts) => outline(counts).map(([, share]) => share)));
  return toSvg([
    {
      title: 'Scores of test images (share of each label)',
      xLabel: 'score',
      yRange: [0, highest],
      series: [
        { name: 'normal', color: COLORS.first, points: outline(normal), filled: true },
        { name: 'anomalous', color: COLORS.second, points: outline(anomalous), filled: true },
      ],
    },
  ]);
}
