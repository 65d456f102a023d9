import fc from 'fast-check';

/**
 * Property tests draw the same cases at every run, so that a red build means a change, not a draw.
 * `FAST_CHECK_SEED=random npx vitest …` looks further.
 */
const wanted = process.env.FAST_CHECK_SEED ?? '20261123';
if (wanted !== 'random') fc.configureGlobal({ seed: Number(wanted) });
