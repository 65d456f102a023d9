/**
 * The door to everything: `node scripts/setup.mjs <setup|quickstart|zoo|test> [arguments]`, called by npm scripts.
 *
 * Runs before anything is installed, on whatever Node started npm (18 or newer), so it uses nothing but Node. Each
 * step first looks whether there is anything to do: a second start takes seconds, and an interrupted one continues.
 */
import { quickstart } from './lib/quickstart.mjs';
import { SetupProblem } from './lib/report.mjs';
import { setUp } from './lib/set-up.mjs';
import { runTests } from './lib/test-steps.mjs';
import { zoo } from './lib/zoo.mjs';

const ACTIONS = {
  /** `npm run setup -- [--flavour cpu|gpu] [--force]` */
  setup: (args) => setUp(args),
  /** `npm run quickstart`: set-up, MNIST, the OCGAN sweep. Further arguments go to `adctl sweep`. */
  quickstart: async (args) => (await setUp([])) || quickstart(args),
  /** `npm run zoo`: set-up, every method on MNIST and on textures, docs/methods.md. Further arguments go to `adctl sweep`. */
  zoo: async (args) => (await setUp([])) || zoo(args),
  /** `npm test -- [step …]`: set-up, then every check, or only the named ones. */
  test: async (args) => (await setUp([])) || runTests(args),
};

const [name = '', ...args] = process.argv.slice(2);
const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
if (action === undefined) {
  process.stderr.write(`usage: node scripts/setup.mjs <${Object.keys(ACTIONS).join('|')}> [arguments]\n`);
  process.exitCode = 2;
} else {
  try {
    process.exitCode = await action(args);
  } catch (error) {
    if (!(error instanceof SetupProblem)) throw error;
    process.stderr.write(`\n${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}
