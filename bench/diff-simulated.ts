/**
 * How often `captures diff` finds a planted change, by how many statements there are of it: the table of
 * docs/diff.md. `node bench/diff-simulated.ts [pairs]`, which takes 15 s. Prints of each kind of load how many of
 * the pairs with a statement made exactly 20 % more frequent were found, and how many with one made 20 % less so.
 */
import { compareReports, USUAL_THRESHOLD } from '../src/core/reports/comparison-rules.ts';
import {
  fallingRates,
  randomNumbers,
  simulatedReport,
  type Load,
} from '../test/support/simulated-load.ts';

const PAIRS = Number(process.argv[2] ?? 100);
const SECONDS = 30;
const DIGESTS = 20;
/** The one that changes. */
const PLANTED = 1;
const PROGRAM = { name: 'captures', version: '0' };

function timesFound(
  load: Load,
  statements: number,
  factor: number,
  kind: 'more' | 'fewer',
): number {
  const random = randomNumbers(statements);
  const [, share = 0] = fallingRates(DIGESTS, 1);
  const rates = fallingRates(DIGESTS, statements / SECONDS / share);
  const changed = rates.map((rate, digest) => (digest === PLANTED ? rate * factor : rate));
  let found = 0;
  for (let pair = 0; pair < PAIRS; pair++) {
    const a = simulatedReport({ load, seconds: SECONDS, rates, random });
    const b = simulatedReport({ load, seconds: SECONDS, rates: changed, random });
    const comparison = compareReports(a, b, { threshold: USUAL_THRESHOLD, per: null }, PROGRAM);
    if (comparison[kind].some(({ name }) => name === `d${PLANTED}`)) found++;
  }
  return found;
}

const loads = ['steady', 'closed loop', 'bursts'] as const;
console.log(`statements on each side, found of ${PAIRS}: ${loads.join(' | ')}`);
for (const statements of [300, 500, 1_000, 2_000, 4_000, 8_000]) {
  const cells = loads.map((load) => {
    const more = timesFound(load, statements, 1.2, 'more');
    return `${more}, ${timesFound(load, statements, 0.8, 'fewer')}`;
  });
  console.log([statements.toLocaleString('en'), ...cells].join(' | '));
}
