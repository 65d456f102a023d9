import { METHODS, type MethodCard, type PublishedResult } from '@adctl/methods';
import { describe, expect, it } from 'vitest';
import { lookUpFigures } from './published-figures.js';

const row = (normal: string, value: number, changes: Partial<PublishedResult> = {}): PublishedResult => ({
  dataset: 'mvtec-ad',
  protocol: 'mvtec',
  metric: 'pixelAuroc',
  normal,
  value,
  source: 'table 2',
  recalled: false,
  reproduced: false,
  ...changes,
});
const card = (...published: PublishedResult[]): Pick<MethodCard, 'name' | 'published'> => ({ name: 'smai', published });
const ask = (classes: string[], changes: Partial<Parameters<ReturnType<typeof lookUpFigures>>[0]> = {}) => ({
  method: 'smai',
  metric: 'pixelAuroc' as const,
  dataset: 'mvtec-ad',
  protocol: 'mvtec',
  classes,
  ...changes,
});

describe('published figures', () => {
  const lookUp = lookUpFigures([card(row('tile', 0.62), row('wood', 0.8), row('mean', 0.71))]);

  it('stand beside their own metric, data set and protocol alone', () => {
    expect(lookUp(ask(['tile']))).toEqual({ value: 0.62, source: 'table 2', reproduced: false });
    expect(lookUp(ask(['tile'], { metric: 'auroc' }))).toBeUndefined();
    expect(lookUp(ask(['tile'], { metric: 'pro' }))).toBeUndefined();
    expect(lookUp(ask(['tile'], { dataset: 'mvtec' }))).toBeUndefined();
    expect(lookUp(ask(['tile'], { protocol: 'one-class' }))).toBeUndefined();
    expect(lookUp(ask(['tile'], { method: 'dae' }))).toBeUndefined();
  });

  it('of all classes stand beside a mean over exactly those', () => {
    expect(lookUp(ask(['tile', 'wood']))?.value).toBe(0.71);
    expect(lookUp(ask(['tile', 'grid']))).toBeUndefined();
    expect(lookUp(ask(['grid', 'tile', 'wood']))).toBeUndefined();
  });

  it('that nobody has read stand beside nothing', () => {
    const recalled = lookUpFigures([card(row('tile', 0.62, { recalled: true }), row('mean', 0.62))]);

    expect(recalled(ask(['tile']))).toBeUndefined();
  });

  it('of an anomalous class stand beside all others being normal', () => {
    const question = {
      method: 'skip-ganomaly',
      metric: 'auroc',
      dataset: 'cifar10',
      protocol: 'leave-one-out',
    } as const;
    const ofAll = lookUpFigures(METHODS);

    expect(ofAll({ ...question, classes: ['all-but-automobile'] })?.value).toBe(0.953);
    expect(ofAll({ ...question, classes: ['automobile'] })).toBeUndefined();
    expect(ofAll({ ...question, classes: ['all-but-bird'] })).toBeUndefined();
  });
});
