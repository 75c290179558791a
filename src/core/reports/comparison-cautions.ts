import { counted, formatCount, formatUtc, roundedDuration } from '../units.ts';
import { moreIdleSide } from './idle-time.ts';
import type { ComparisonRequest } from './report-comparison.ts';
import type { RatedWindow } from './rate-tests.ts';
import { FEWEST_BLOCKS } from './rate-statistics.ts';
import type { Report } from './report.ts';

/** Seconds below which the edges of a window and single bursts weigh too much. */
const SHORT = 10;
/** Windows that differ by more than this are hardly of the same hour. */
const FAR_APART = 10;

type Side = 'A' | 'B';

/**
 * What one has to know before what is different: sentences, what matters most first.
 */
export function cautionsOf(
  a: Report,
  b: Report,
  how: {
    readonly per: ComparisonRequest['per'];
    readonly windows: { readonly a: RatedWindow; readonly b: RatedWindow };
  },
): string[] {
  const sides = [
    ['A', a, how.windows.a],
    ['B', b, how.windows.b],
  ] as const;
  return [
    ...(isSame(a, b) ? ['A and B are the same capture: there is nothing to find'] : []),
    ...sides.flatMap(([side, report]) => recordCautions(side, report)),
    ...orderCautions(a, b),
    ...betweenCautions(a, b),
    ...(how.per === null ? [...idleCautions(a, b), ...windowCautions(sides)] : []),
    ...sides.flatMap(([side, report]) => rowCautions(side, report)),
    ...timeCautions(a, b),
  ];
}

function isSame(a: Report, b: Report): boolean {
  const keyOf = ({ capture: { id, name, environment }, window }: Report): string =>
    JSON.stringify([id, name, environment, window.from]);
  return keyOf(a) === keyOf(b);
}

/** What is wrong with one record by itself. */
function recordCautions(side: Side, { verdict, window, statements, coverage }: Report): string[] {
  const { read, committed } = coverage.records;
  const found: string[] = [];
  if (window.isOpen) found.push(`${side} is still being recorded: this is what it has so far`);
  else if (!verdict.whole) found.push(`${side}'s record is not complete: ${verdict.line}`);
  if (read < committed) {
    found.push(`Of ${side} ${formatCount(read)} of ${counted(committed, 'record')} could be read`);
  }
  if (statements === 0) found.push(`${side} has no statements`);
  return found;
}

/** Two files, or two names, are easily given the other way round. */
function orderCautions(a: Report, b: Report): string[] {
  const [before, after] = [a.window.from, b.window.from];
  if (before === null || after === null || after >= before) return [];
  return ['B is older than A: what is listed as new came first, and is gone in A'];
}

/** Rates are of whole windows: time without load in one of them looks like a change of everything. */
function idleCautions(a: Report, b: Report): string[] {
  const more = moreIdleSide(a, b);
  if (more === null) return [];
  const { share, stretches, from, to } = more.idle;
  const percent = `${Math.round(share * 100)} % of it`;
  const longest = `from ${formatUtc(from)} to ${formatUtc(to)}`;
  const when =
    stretches === 1
      ? `${longest} (${percent})`
      : `in ${formatCount(stretches)} stretches (${percent}), the longest ${longest}`;
  return [
    `${more.side} has no statements ${when}: its rates are lower for that, though nothing else may have changed`,
  ];
}

/** What makes two records differ besides what the server was asked. */
function betweenCautions(a: Report, b: Report): string[] {
  const found: string[] = [];
  const [one, other] = [a.coverage, b.coverage];
  if (JSON.stringify(one.filters) !== JSON.stringify(other.filters)) {
    found.push(
      'A and B were recorded with different filters: what one of them left out looks new, gone, more or fewer',
    );
  }
  if (one.sample !== other.sample) {
    const share = (sample: number | null): string =>
      sample === null ? 'every session' : `1 of ${sample} sessions`;
    found.push(
      `A has ${share(one.sample)} and B ${share(other.sample)}: rates are of what was recorded`,
    );
  }
  if (one.isRedacted !== other.isRedacted) {
    const redacted = one.isRedacted ? 'A' : 'B';
    found.push(`${redacted} was recorded with pseudonyms: digests are the same, examples are not`);
  }
  const [before, after] = [a.capture.server, b.capture.server];
  if (
    before !== null &&
    after !== null &&
    (before.flavor !== after.flavor || before.version !== after.version)
  ) {
    found.push(
      `A is of ${before.flavor} ${before.version}, B of ${after.flavor} ${after.version}: a change may be the server's`,
    );
  }
  if (a.program.version !== b.program.version) {
    found.push(
      `A was made by version ${a.program.version} of this program, B by ${b.program.version}: statements that one reads otherwise look gone and new`,
    );
  }
  const shared = new Set(a.dbs.map(({ name }) => name));
  const [first, second] = [a.dbs[0]?.name, b.dbs[0]?.name];
  if (
    a.by === 'digest' &&
    first != null &&
    second != null &&
    !b.dbs.some(({ name }) => shared.has(name))
  ) {
    found.push(
      `A and B have no database in common (${first}, ${second}): the same statement in another database is another row`,
    );
  }
  return found;
}

function windowCautions(sides: readonly (readonly [Side, Report, RatedWindow])[]): string[] {
  const found: string[] = [];
  for (const [side, report, { blocks, length }] of sides) {
    if (report.statements === 0) continue;
    const long = roundedDuration(length);
    if (blocks === null) {
      found.push(
        `${side} is ${long} long, too short for ${FEWEST_BLOCKS} slices: no rates are compared`,
      );
    } else if (length < SHORT) {
      found.push(`${side} is ${long} long: a burst can look like a change`);
    }
  }
  const [one = 0, other = 0] = sides.map(([, , { length }]) => length);
  if (Math.min(one, other) > 0 && Math.max(one / other, other / one) > FAR_APART) {
    found.push(
      `A is ${roundedDuration(one)} long and B ${roundedDuration(other)}: what comes in waves can look like a change`,
    );
  }
  return found;
}

function rowCautions(side: Side, { by, otherRows, rows, unlisted }: Report): string[] {
  const found: string[] = [];
  const other = side === 'A' ? 'B' : 'A';
  if (otherRows.rows > 0) {
    found.push(
      `${side} lists ${formatCount(rows.length)} of ${counted(rows.length + otherRows.rows, 'row')}: rows of ${other} alone are not judged`,
    );
  }
  if (unlisted !== null) {
    const statements = counted(unlisted.count, 'statement');
    found.push(
      by === 'table'
        ? `The tables of ${statements} of ${side} are not known: tables that these could change are not judged`
        : `${statements} of ${side} are in no row, there are too many different ones: rows of ${other} alone are not judged`,
    );
  }
  return found;
}

function timeCautions(a: Report, b: Report): string[] {
  const hasTimes = ({ coverage }: Report): boolean => coverage.times !== null;
  if (hasTimes(a) === hasTimes(b)) return [];
  return [`${hasTimes(a) ? 'B' : 'A'} has no times: slower and faster cannot be told`];
}
