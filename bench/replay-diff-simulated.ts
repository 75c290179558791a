/**
 * How often `captures diff` of two simulated replays of one record finds what is not there, and how often it finds
 * a digest that is slower: `node bench/replay-diff-simulated.ts [pairs]`.
 */
import { compareReplays } from '../src/core/reports/replay-comparison-rules.ts';
import type { ReplayComparison } from '../src/core/reports/replay-comparison.ts';
import { randomNumbers } from '../test/support/simulated-load.ts';
import {
  simulatedRecord,
  simulatedReplay,
  type SimulatedServer,
} from '../test/support/simulated-replays.ts';

const PAIRS = Number(process.argv[2] ?? 100);
const PROGRAM = { name: 'captures', version: '0' };
const REQUEST = { threshold: 0.2, chanceErrors: new Set<string>() };

type Machine = Omit<SimulatedServer, 'random' | 'slowness'>;

const MACHINES: Readonly<Record<string, Machine>> = {
  quiet: { unrest: 0.03, memory: 0.5 },
  usual: { unrest: 0.1, memory: 0.7 },
  restless: { unrest: 0.3, memory: 0.7 },
  'slow waves': { unrest: 0.3, memory: 0.95 },
};

function compared(
  seed: number,
  { digests, statements }: { digests: number; statements: number },
  machine: Machine,
  slowness: (digest: number) => number,
): ReplayComparison {
  const random = randomNumbers(seed);
  const record = simulatedRecord(digests, statements, random);
  const a = simulatedReplay(record, { ...machine, random });
  const b = simulatedReplay(record, { ...machine, random, slowness });
  return compareReplays(a, b, REQUEST, PROGRAM);
}

const SIZES = [
  { digests: 5, statements: 2_000 },
  { digests: 20, statements: 20_000 },
  { digests: 200, statements: 60_000 },
];
for (const [name, machine] of Object.entries(MACHINES)) {
  for (const size of SIZES) {
    let [wrong, common, unjudged] = [0, 0, 0];
    for (let pair = 0; pair < PAIRS; pair++) {
      const {
        slower,
        faster,
        common: all,
        unjudged: rest,
      } = compared(pair + 1, size, machine, () => 1);
      if (slower.length + faster.length > 0) wrong++;
      if (all?.isChange === true) common++;
      unjudged += rest.rows;
    }
    const found = [1.3, 1.5, 2].map((factor) => {
      let times = 0;
      for (let pair = 0; pair < PAIRS; pair++) {
        const { slower } = compared(pair + 1, size, machine, (digest) =>
          digest === 2 ? factor : 1,
        );
        if (slower.some(({ digest }) => digest === '0000000000000002')) times++;
      }
      return `x${factor} ${times}`;
    });
    let together = 0;
    let besides = 0;
    for (let pair = 0; pair < PAIRS; pair++) {
      const { common: all, slower, faster } = compared(pair + 1, size, machine, () => 1.5);
      if (all?.isChange === true) together++;
      besides += slower.length + faster.length;
    }
    console.log(
      `${name}, ${size.digests} digests, ${size.statements} statements: of ${PAIRS} equal pairs ${wrong} with findings, ${common} with a common change, ${(unjudged / PAIRS).toFixed(1)} digests unjudged; found ${found.join(', ')}; all x1.5: ${together}, ${besides} besides`,
    );
  }
}
