/**
 * Whether what `npm test` tries in proportion is tried in full: every kill, cut, moment and generated input.
 * `.ci/run` does so, and `CAPTURES_TEST_IN_FULL=1 npx vitest run FILE` for one file.
 */
export const isInFull = process.env['CAPTURES_TEST_IN_FULL'] === '1';

/**
 * What a session under load waits between two statements, in milliseconds: what is tried is when they come, not
 * how many there are. In full they come faster.
 */
export const THINK_MS = isInFull ? 10 : 20;
