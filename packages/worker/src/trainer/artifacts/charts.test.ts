import { rocCurve, scoreHistogram } from '@adctl/evaluation';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { drawCurves, drawHistogram, drawRoc } from './charts.js';

const SCORES = [0.1, 0.2, 0.3, 0.8];
const LABELS = [0, 0, 1, 1];

describe('charts', () => {
  test.each([
    ['curves', drawCurves({ epochs: [1, 2], columns: { 'a < b': [3, 1e-9], 'selection.auroc': [0.5, 0.9] } }, 2)],
    ['curves of one epoch', drawCurves({ epochs: [1], columns: { loss: [0.25] } }, 1)],
    ['curves of no epoch', drawCurves({ epochs: [], columns: {} }, null)],
    ['roc', drawRoc(rocCurve(SCORES, LABELS), 1)],
    ['histogram', drawHistogram(scoreHistogram(SCORES, LABELS))],
    ['histogram of equal scores', drawHistogram(scoreHistogram([1, 1, 1], [0, 0, 1]))],
  ])('%s: well-formed, every coordinate a number', async (_, svg) => {
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    if (svg.includes('<g')) await sharp(Buffer.from(svg)).png().toBuffer(); // a strict XML parser reads it
  });

  test('names columns, the kept epoch and the value as text', () => {
    const curves = drawCurves({ epochs: [1, 2], columns: { 'a < b': [3, 2], 'selection.loss': [1, 0.5] } }, 2);

    expect(curves).toContain('a &#60; b');
    expect(curves).toContain('kept: epoch 2');
    expect(drawRoc(rocCurve(SCORES, LABELS), 0.98765)).toContain('AUROC 0.9877');
  });
});
