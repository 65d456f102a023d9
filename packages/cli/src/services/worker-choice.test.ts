import { describe, expect, it } from 'vitest';
import { buildStatus } from '../testing/builders.fixtures.js';
import { checkChoice } from './worker-choice.js';

const NOTHING = { slots: undefined, threads: undefined, flavour: undefined };
const folder = buildStatus({ class: 'cpu', slots: 2, threads: 1 });
const cluster = { ...folder, deployment: 'cluster' as const };

describe('what a person asks of workers that run already', () => {
  it('is fine when nothing is asked, or what they have', () => {
    expect(checkChoice(NOTHING, folder)).toEqual([]);
    expect(checkChoice({ slots: 2, threads: 1, flavour: 'cpu' }, folder)).toEqual([]);
    expect(checkChoice(NOTHING, cluster)).toEqual([]);
  });

  it('is refused when it is another engine', () => {
    const refused = { code: 'flavour_unavailable', kind: 'user' };

    expect(() => checkChoice({ ...NOTHING, flavour: 'gpu' }, folder)).toThrow(expect.objectContaining(refused));
    expect(() => checkChoice({ ...NOTHING, flavour: 'cpu' }, cluster)).toThrow(expect.objectContaining(refused));
  });

  it('is a warning when it is other slots or threads', () => {
    expect(checkChoice({ ...NOTHING, slots: 8, threads: 1 }, folder)).toEqual([
      expect.stringMatching(/^Warning: --slots 8 has no effect: .* process 7, has 2 slots, 1 thread\.$/),
    ]);
    expect(checkChoice({ ...NOTHING, slots: 2, threads: 4 }, cluster)).toEqual([
      expect.stringContaining('--slots 2'),
      expect.stringContaining('--threads 4'),
    ]);
  });

  it('says nothing about threads that are not known yet', () => {
    const starting = buildStatus({ class: 'cpu', slots: 2 });

    expect(checkChoice({ ...NOTHING, threads: 4 }, starting)).toEqual([]);
  });
});
