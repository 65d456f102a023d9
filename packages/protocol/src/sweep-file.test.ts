import { describe, expect, test } from 'vitest';
import { applyOverrides, parseSweep, Sweep, type SweepCheck, SweepFileError, type SweepIssue } from './index.js';
import { DESIGN_FILE, LONGEST_FILE, SHORTEST_FILE } from './sweep.fixtures.js';

function issuesOf(
  text: string,
  overrides: readonly string[] = [],
  checks: readonly SweepCheck[] = [],
): readonly SweepIssue[] {
  try {
    parseSweep(text, { file: 'x.yaml', overrides, checks });
  } catch (error) {
    if (error instanceof SweepFileError) return error.issues;
    throw error;
  }
  return [];
}

const briefly = ({ line, column, message }: SweepIssue) => `${line}:${column} ${message}`;

describe('a good sweep file', () => {
  test("the design's example means what it says", () => {
    const sweep = parseSweep(DESIGN_FILE, { file: 'x.yaml' });

    expect(sweep).toEqual({
      apiVersion: 'adctl/v1',
      kind: 'Sweep',
      name: 'ocgan-mnist',
      methods: ['ocgan'],
      dataset: {
        name: 'mnist',
        protocol: 'one-class',
        normal: ['8', '1'],
        splitSeed: 0,
        holdout: { selection: 0.1, calibration: 0.1 },
      },
      search: {
        algorithm: 'grid',
        seed: 0,
        spaces: {
          ocgan: {
            space: { learningRate: { values: [0.0002, 0.001] }, lambdaRec: { values: [10, 50] } },
            zip: [],
            exclude: [],
          },
        },
      },
      train: { preset: 'quick', hyperparameters: { ocgan: {} } },
      seeds: { search: 1, report: 3, finalists: 1 },
      objective: { metric: 'selection.auroc', goal: 'maximize' },
      resources: { pool: 'gpu' },
      limits: { maxTrials: 200, parallel: 8, trialTimeoutMs: 7_200_000, maxAttempts: 3 },
    });
  });

  test('a short file gets every default', () => {
    const sweep = parseSweep(SHORTEST_FILE, { file: 'x.yaml' });

    expect(sweep.dataset.normal).toBe('each');
    expect(sweep.search).toEqual({ algorithm: 'grid', seed: 0, spaces: { dae: { space: {}, zip: [], exclude: [] } } });
    expect(sweep.train).toEqual({ preset: 'default', hyperparameters: { dae: {} } });
    expect(sweep.seeds).toEqual({ search: 1, report: 3, finalists: 1 });
    expect(sweep.objective).toEqual({ metric: 'selection.auroc', goal: 'maximize' });
    expect(sweep.limits).toEqual({ maxTrials: 1000, parallel: 8, trialTimeoutMs: 86_400_000, maxAttempts: 3 });
  });

  test('several methods have a block each, and one without a block has an empty space', () => {
    const sweep = parseSweep(LONGEST_FILE, { file: 'x.yaml' });

    expect(sweep.methods).toEqual(['ocgan', 'dae']);
    expect(Object.keys(sweep.search.spaces.ocgan?.space ?? {})).toHaveLength(4);
    expect(sweep.search.spaces.ocgan?.zip).toEqual([['optimizer.beta1', 'optimizer.beta2']]);
    expect(sweep.search.spaces.dae?.zip).toEqual([]);
    expect(sweep.train.hyperparameters).toEqual({ ocgan: { epochs: 10 }, dae: {} });
    expect(sweep.train.checkpoint).toEqual({ rule: 'epoch', epoch: 10 });
  });

  test.each([DESIGN_FILE, SHORTEST_FILE, LONGEST_FILE])('the frozen form reads back as itself (%#)', (text) => {
    const sweep = parseSweep(text, { file: 'x.yaml' });

    expect(Sweep.parse(JSON.parse(JSON.stringify(sweep)))).toEqual(sweep);
  });

  test('minimizing is understood from selection.loss', () => {
    const sweep = parseSweep(`${SHORTEST_FILE}objective: { metric: selection.loss }\n`, { file: 'x.yaml' });

    expect(sweep.objective.goal).toBe('minimize');
  });

  test('JSON is YAML, and a byte order mark and Windows line ends do not matter', () => {
    const sweep = parseSweep(SHORTEST_FILE, { file: 'x.yaml' });

    expect(parseSweep(`\uFEFF${SHORTEST_FILE.replaceAll('\n', '\r\n')}`, { file: 'x.yaml' })).toEqual(sweep);
  });
});

describe('a sweep file with mistakes', () => {
  test('names five mistakes of five kinds at once, in order, with place and suggestion', () => {
    const text = DESIGN_FILE.replace('kind: Sweep', 'kind: Swep')
      .replace('protocol: one-class, ', '')
      .replace('search:\n', 'serach: 1\nsearch:\n')
      .replace('[10, 50]', '10')
      .replace('preset: quick', 'checkpoint: best(test.auroc)');

    expect(issuesOf(text).map(briefly)).toEqual([
      '3:7 kind must be Sweep, is "Swep"',
      '6:1 missing key "protocol" in dataset',
      '7:1 unknown key "serach" at the top level',
      '12:29 values must be a list, is 10',
      '13:22 checkpoint must be last, best(selection.auroc), best(selection.loss) or epoch N, is "best(test.auroc)"',
    ]);
    expect(issuesOf(text).map(({ suggestion }) => suggestion)).toEqual([
      'did you mean Sweep?',
      'protocol: one-class',
      'did you mean search?',
      undefined,
      expect.stringContaining('test images only report'),
    ]);
  });

  test('the message has one line a mistake with file, line and column', () => {
    const error = new SweepFileError(issuesOf(DESIGN_FILE.replace('parallel: 8', 'parallel: 0')), 'my.yaml');

    expect(error.message).toBe('my.yaml has one mistake:\nmy.yaml:16:37  parallel must be at least 1, is 0');
    expect(error).toMatchObject({
      kind: 'user',
      code: 'invalid_sweep',
      details: { issues: [{ line: 16, column: 37 }] },
    });
  });

  // « marks where the issue must stand; without it the place is written out.
  test.each([
    ['normal: [8, 1]', 'normal: [8, «08]', 'class 08 would be read as 8'],
    ['normal: [8, 1]', 'normal: [8, «"8"]', 'class 8 stands here twice'],
    ['normal: [8, 1]', 'normal: «[]', 'normal needs at least 1 entry'],
    ['normal: [8, 1]', 'normal: «all', 'normal must be a list of classes, e.g. [8, 1], or \'each\', is "all"'],
    ['name: ocgan-mnist', 'name: «OCGAN mnist', 'name must be lower-case letters, digits and dashes, is "OCGAN mnist"'],
    ['algorithm: grid', 'algorithm: «gird', 'algorithm must be grid or random, is "gird"'],
    ['  algorithm: grid\n', '', '7:1 missing key "algorithm" in search'],
    ['algorithm: grid', 'algorithm: random', '7:1 missing key "samples" in search'],
    ['algorithm: grid', 'algorithm: grid\n  «samples: 3', 'unknown key "samples" in search'],
    [
      'values: [10, 50]',
      'value: [10, 50]',
      '11:19 lambdaRec must have exactly one of values, range or group, is a mapping',
    ],
    ['values: [10, 50]', 'values: [10, «10]', '10 stands here twice'],
    [
      'values: [10, 50]',
      'values: [10, «.nan]',
      'values[1] must be text, a finite number, true, false, null or a flat list of those, is NaN',
    ],
    [
      'values: [10, 50]',
      'values: [10, «1e400]',
      'values[1] must be text, a finite number, true, false, null or a flat list of those, is Infinity',
    ],
    ['values: [10, 50]', 'values: [«12345678901234567890]', '12345678901234567890 is too large to be exact'],
    ['values: [10, 50]', 'range: { from: 5, to: «5, count: 2 }', 'the range of lambdaRec ends at 5, not above 5'],
    [
      'values: [10, 50]',
      'range: { from: «0, to: 5, count: 2, scale: log }',
      'the range of lambdaRec is logarithmic and starts at 0',
    ],
    [
      'values: [10, 50]',
      'range: { from: 0, to: 1, step: «0.3 }',
      'the range of lambdaRec is not a whole number of steps of 0.3',
    ],
    [
      'values: [10, 50]',
      'range: «{ from: 0, to: 1 }',
      'the range of lambdaRec has no end of values and a grid needs one',
    ],
    ['values: [10, 50]', 'values: [10], when: { «learningRat: 1 }', '"learningRat" is not in the space'],
    [
      'values: [10, 50]',
      'values: [10], when: { lambdaRec: 1 }',
      '11:5 whether lambdaRec exists depends on lambdaRec itself',
    ],
    [
      'train:',
      '  zip: [[learningRate, lambdaRec]]\n  exclude: [{ «lambda: 1 }]\ntrain:',
      '"lambda" is not in the space',
    ],
    [
      'values: [10, 50] }\n',
      'values: [10] }\n  zip: [«[learningRate, lambdaRec]]\n',
      'zipped hyperparameters need equally many values: learningRate has 2, lambdaRec has 1',
    ],
    ['preset: quick', 'hyperparameters: { «lambdaRec: 1 }', 'lambdaRec is both fixed and searched'],
    ['goal: maximize', 'goal: «minimize', 'selection.auroc cannot be minimized'],
    [
      'metric: selection.auroc',
      'metric: «test.auroc',
      'metric must be selection.auroc or selection.loss, is "test.auroc"',
    ],
    ['trialTimeout: 2h', 'trialTimeout: «7200', 'trialTimeout must be a duration such as 2h, 90s or 1d12h, is 7200'],
    ['maxTrials: 200', 'maxTrials: «1e9', 'maxTrials must be at most 1000000, is 1000000000'],
    ['train: { preset: quick }', 'train:', '12:1 train must be a mapping, is empty'],
    ['method: ocgan ', '«method: ocgan\nmethods: [dae] ', 'unknown key "method" at the top level'],
    ['method: ocgan ', '', '1:1 missing key "method"'],
  ])('%s → %s', (from, to, expected) => {
    expect(DESIGN_FILE).toContain(from);

    const marked = DESIGN_FILE.replace(from, to);
    const before = marked.slice(0, Math.max(0, marked.indexOf('«'))).split('\n');
    const place = marked.includes('«') ? `${before.length}:${(before.at(-1) ?? '').length + 1} ` : '';

    const found = issuesOf(marked.replace('«', '')).map(briefly);

    expect(found).toContain(`${place}${expected}`);
  });

  test('a block for a method the sweep does not have is named', () => {
    const text = LONGEST_FILE.replace('methods: [ocgan, dae]', 'methods: [ocgan]');

    expect(issuesOf(text).map(briefly)).toEqual([
      '26:5 "dae" is not one of the sweep\'s methods',
      '32:5 "dae" is not one of the sweep\'s methods',
    ]);
  });

  test('an unreadable value does not invent contradictions with its default', () => {
    const text = DESIGN_FILE.replace('metric: selection.auroc, goal: maximize', 'metric: los, goal: minimize');

    expect(issuesOf(text)).toHaveLength(1);
  });
});

describe('YAML that a sweep file refuses', () => {
  test.each([
    ['an empty file', '', '1:1 the file is empty'],
    ['only a comment', '# nothing\n', '1:1 the file is empty'],
    ['a list', '- 1\n', '1:1 a sweep file is a mapping of keys to values'],
    ['a tab as indentation', 'search:\n\talgorithm: grid\n', '2:1 a tab is used as indentation'],
    ['the same key twice', `${SHORTEST_FILE}name: again\n`, '6:1 the same key stands here twice'],
    ['a second document', `${SHORTEST_FILE}---\nkind: Sweep\n`, '6:1 a second document begins here'],
    ['an anchor', SHORTEST_FILE.replace('least', '&n least'), '3:10 anchors (&n) are not supported'],
    ['an alias', `${SHORTEST_FILE.replace('least', '&n least')}train: *n\n`, '6:8 aliases (*n) are not supported'],
    ['a merge key', `${SHORTEST_FILE}train: { <<: { preset: quick } }\n`, '6:10 merge keys (<<) are not supported'],
    ['a prototype key', `${SHORTEST_FILE}train: { __proto__: 1 }\n`, '6:10 __proto__ cannot be a key'],
  ])('%s', (_, text, expected) => {
    expect(issuesOf(text).map(briefly)).toContain(expected);
  });

  test('a tag, and a bracket that never closes', () => {
    expect(issuesOf(SHORTEST_FILE.replace('least', '!!set least')).map(({ code }) => code)).toContain('syntax');
    expect(issuesOf(SHORTEST_FILE.replace('each }', '[8')).map(({ code }) => code)).toContain('syntax');
  });

  test('what stands before a syntax error is still checked, what follows is not guessed at', () => {
    const text = `${SHORTEST_FILE.replace('kind: Sweep', 'kind: Job')}seeds: { search: [ }\nlimits: { paralel: 1 }\n`;

    const issues = issuesOf(text);

    expect(issues.map(briefly)).toContain('2:7 kind must be Sweep, is "Job"');
    expect(issues.some(({ code }) => code === 'syntax')).toBe(true);
    expect(issues.some(({ message }) => message.startsWith('missing key'))).toBe(false);
  });
});

describe('checks given by the caller', () => {
  const refuseValues: SweepCheck = (draft, at) =>
    Object.entries(draft.search?.spaces ?? {}).flatMap(([method, { space }]) =>
      Object.keys(space).map((name): SweepIssue => {
        const path = ['search', 'spaces', method, 'space', name];
        return { ...at([...path, 'values', 0]), code: 'refused_value', message: `${method}.${name}` };
      }),
    );

  test('find places by the path inside the sweep in either form', () => {
    const several = DESIGN_FILE.replace('method: ocgan ', 'methods: [ocgan] ')
      .replace('  space:\n', '  space:\n    ocgan:\n')
      .replace('    learningRate', '      learningRate')
      .replace('    lambdaRec', '      lambdaRec');

    expect(issuesOf(DESIGN_FILE, [], [refuseValues]).map(briefly)).toEqual([
      '10:30 ocgan.learningRate',
      '11:30 ocgan.lambdaRec',
    ]);
    expect(issuesOf(several, [], [refuseValues]).map(briefly)).toEqual([
      '11:32 ocgan.learningRate',
      '12:32 ocgan.lambdaRec',
    ]);
  });

  test('run on what could be read when something else is wrong', () => {
    const text = DESIGN_FILE.replace('values: [10, 50]', 'vals: [10, 50]').replace('preset: quick', 'preset: quik');

    expect(issuesOf(text, [], [refuseValues]).map(({ line }) => line)).toEqual([10, 11, 12]);
  });
});

describe('--set', () => {
  test('changes values, adds missing sections and list entries', () => {
    const overrides = [
      'search.space.learningRate.values=[0.1]',
      'train.hyperparameters.epochs=3',
      'dataset.normal[1]=5',
    ];

    const sweep = parseSweep(DESIGN_FILE, { file: 'x.yaml', overrides });

    expect(sweep.search.spaces.ocgan?.space.learningRate).toEqual({ values: [0.1] });
    expect(sweep.train.hyperparameters.ocgan).toEqual({ epochs: 3 });
    expect(sweep.dataset.normal).toEqual(['8', '5']);
  });

  test('the written-out text parses to the same sweep and keeps comments', () => {
    const overrides = ['limits.parallel=2', 'train.checkpoint=last'];

    const text = applyOverrides(DESIGN_FILE, overrides, { file: 'x.yaml' });

    expect(parseSweep(text, { file: 'x.yaml' })).toEqual(parseSweep(DESIGN_FILE, { file: 'x.yaml', overrides }));
    expect(text).toContain('# or methods');
  });

  test.each([
    ['limits.paralel=2', 'unknown key "paralel" in limits'],
    ['limits.parallel=many', 'parallel must be a finite number, is "many"'],
    ['limits.parallel', 'is not path=value'],
    ['name.first=x', 'goes through name, which is not a mapping'],
    ['dataset.normal[7]=5', 'names a position the list does not have (it has 2)'],
    ['__proto__.x=1', 'is not path=value'],
  ])('%s is named as the flag', (override, message) => {
    const issues = issuesOf(DESIGN_FILE, [override]);

    expect(issues).toMatchObject([{ flag: override, message }]);
    expect(new SweepFileError(issues, 'x.yaml').message).toContain(`--set ${override}  ${message}`);
  });

  test('places in the file stay true beside an override', () => {
    const issues = issuesOf(DESIGN_FILE.replace('parallel: 8', 'parallel: 0'), ['seeds.report=0']);

    expect(issues.map(({ line, flag }) => flag ?? line)).toEqual([16, 'seeds.report=0']);
  });
});
