/** The file of the design, word for word but for the lines a test changes. */
export const DESIGN_FILE = `# yaml-language-server: $schema=../../schemas/sweep.schema.json
apiVersion: adctl/v1
kind: Sweep
name: ocgan-mnist
method: ocgan                      # or methods: [ocgan, dae]; then search.space has one block per method
dataset: { name: mnist, protocol: one-class, normal: [8, 1] }
search:
  algorithm: grid
  space:
    learningRate: { values: [0.0002, 0.001] }
    lambdaRec:    { values: [10, 50] }
train: { preset: quick }
seeds: { search: 1, report: 3, finalists: 1 }
objective: { metric: selection.auroc, goal: maximize }
resources: { pool: gpu }
limits: { maxTrials: 200, parallel: 8, trialTimeout: 2h }
`;

/** As little as a file can hold. */
export const SHORTEST_FILE = `apiVersion: adctl/v1
kind: Sweep
name: least
method: dae
dataset: { name: mnist, protocol: one-class, normal: each }
`;

/** Everything the format has, with several methods. */
export const LONGEST_FILE = `apiVersion: adctl/v1
kind: Sweep
name: most
methods: [ocgan, dae]
dataset:
  name: bottles
  protocol: one-class-80-20
  normal: [good]
  root: ./images
  image: { height: 64, width: 64, channels: 3 }
  splitSeed: 4
  holdout: { selection: 0.2, calibration: 0.05 }
search:
  algorithm: random
  samples: 20
  seed: 3
  space:
    ocgan:
      learningRate: { range: { from: 0.0001, to: 0.01, scale: log } }
      optimizer:
        group:
          beta1: { values: [0, 0.5] }
          beta2: { range: { from: 0.9, to: 0.99, count: 2 } }
      mineSteps: { range: { from: 0, to: 10, step: 5, integer: true } }
      mineStepSize: { values: [0.5, 1], when: { mineSteps: [5, 10] } }
    dae:
      noise: { values: [none, gauss] }
      channels: { values: [[32, 64], [32, 64, 128]] }
  zip:
    ocgan: [[optimizer.beta1, optimizer.beta2]]
  exclude:
    dae: [{ noise: gauss, channels: [[32, 64]] }]
train:
  preset: paper
  hyperparameters:
    ocgan: { epochs: 10 }
  checkpoint: epoch 10
seeds: { search: 2, report: 5, finalists: 2 }
objective: { metric: selection.loss, goal: minimize }
resources: { pool: gpu24 }
limits: { maxTrials: 500, parallel: 4, trialTimeout: 1d12h, maxAttempts: 2 }
`;
