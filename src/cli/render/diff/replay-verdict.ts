import type {
  ComparedError,
  ReplayComparison,
  ReplayHead,
} from '../../../core/reports/replay-comparison.ts';
import { counted, formatCount } from '../../../core/units.ts';
import { lengthText, millisecondsText, rateText } from '../../../display/report-numbers.ts';
import { escapeText } from '../../../display/escape.ts';
import { SKIP_TEXTS } from '../replay/skip-texts.ts';
import { SHOWN_DIGITS } from '../report/report-rows.ts';
import { truncate } from '../width.ts';
import { percentChange, signedChange } from './change-text.ts';

/** What two replays differ in, in one sentence. */
export function verdictText(comparison: ReplayComparison): string {
  const { incomparable, sameLoad, common } = comparison;
  const findings = findingTexts(comparison).join(', ');
  const isWhole = incomparable.length === 0;
  const load = isWhole
    ? sameLoad
      ? ''
      : 'The load was not the same. '
    : incomparable.map((text) => `${text}. `).join('');
  // What one of them did not do may have other errors and rows.
  const same = isWhole ? ', with the same errors and rows' : '';
  if (common?.isChange === true) {
    const { factor } = common;
    const times =
      factor > 1 ? `${timesText(factor)} times as slow` : `${timesText(1 / factor)} times as fast`;
    const besides = findings === '' ? same : `; besides ${findings}`;
    return `${load}B is ${times} as A${besides}.`;
  }
  const pace = paceText(comparison);
  if (findings === '') {
    return `${load}${pace.charAt(0).toUpperCase()}${pace.slice(1)}${same}.`;
  }
  return `${load}B differs from A: ${findings}; otherwise ${pace}.`;
}

/** Where all did not change together. */
function paceText({ slower, faster, unchanged, change, threshold }: ReplayComparison): string {
  if (slower.length + faster.length + unchanged === 0) return 'no latency could be compared';
  const isLarge = change !== null && Math.abs(Math.log(change)) >= Math.log1p(threshold);
  if (!isLarge || slower.length + faster.length > 0) return 'B is as fast as A';
  return `latencies differ by no more than chance may have made (all answers together ${signedChange(change)})`;
}

/** Cautions that are not said in the verdict already. */
export function otherCautions({ cautions, incomparable }: ReplayComparison): readonly string[] {
  return cautions.filter((caution) => !incomparable.includes(caution));
}

/** What a verdict is: bad news, a warning that it may not be what it seems, or good news. */
export function verdictTone(comparison: ReplayComparison): 'bad' | 'busy' | 'good' {
  if (isWorse(comparison)) return 'bad';
  return comparison.sameLoad ? 'good' : 'busy';
}

/** Whether B is worse than A in something that is not chance. */
function isWorse(comparison: ReplayComparison): boolean {
  const { common, slower, newErrors, errorsOnlyInB, otherRows, checksums } = comparison;
  return (
    (common !== null && common.isChange && common.factor > 1) ||
    slower.length > 0 ||
    [...newErrors, ...errorsOnlyInB, ...otherRows].some(({ mayBeChance }) => !mayBeChance) ||
    checksums.other.length > 0
  );
}

/** `1.3`, `12`. */
function timesText(factor: number): string {
  return factor >= 9.95 ? formatCount(Math.round(factor)) : factor.toFixed(1);
}

function findingTexts(comparison: ReplayComparison): string[] {
  const { slower, faster, newErrors, goneErrors, errorsOnlyInA, errorsOnlyInB } = comparison;
  const { otherRows, checksums, onlyInA, onlyInB } = comparison;
  const sure = (rows: readonly { readonly mayBeChance: boolean }[]): number =>
    rows.filter(({ mayBeChance }) => !mayBeChance).length;
  const some = (count: number, noun: string, what: string): string[] =>
    count === 0 ? [] : [`${counted(count, noun)} ${what}`];
  return [
    ...some(slower.length, 'digest', 'slower'),
    ...some(faster.length, 'digest', 'faster'),
    ...(sure(newErrors) === 0 ? [] : [counted(sure(newErrors), 'new error')]),
    ...(sure(goneErrors) === 0 ? [] : [`${counted(sure(goneErrors), 'error')} gone`]),
    ...some(sure(errorsOnlyInA), 'error', 'of what only A sent'),
    ...some(sure(errorsOnlyInB), 'error', 'of what only B sent'),
    ...(sure(otherRows) === 0 ? [] : [`other rows of ${counted(sure(otherRows), 'digest')}`]),
    ...some(checksums.other.length, 'table', 'with another sum'),
    ...some(onlyInA.length, 'digest', 'in A alone'),
    ...some(onlyInB.length, 'digest', 'in B alone'),
  ];
}

/** One number of both replays. */
export interface SideBySide {
  readonly name: string;
  readonly a: string;
  readonly b: string;
  /** B compared with A; empty where that says nothing. */
  readonly change: string;
}

/** The numbers of both replays as a whole, side by side. @param view whether only ASCII can be shown. */
export function sideBySide(
  { a, b }: Pick<ReplayComparison, 'a' | 'b'>,
  view: { readonly ascii: boolean },
): SideBySide[] {
  type Result = ReplayHead['result'];
  const ms = (value: number): string => millisecondsText(value, view);
  const row = (
    name: string,
    of: (result: Result) => number | null,
    text: (value: number) => string,
    hasChange = true,
  ): SideBySide[] => {
    const [before, after] = [of(a.result), of(b.result)];
    if (before === null && after === null) return [];
    const cell = (value: number | null): string => (value === null ? '-' : text(value));
    const isRatio = hasChange && before !== null && after !== null && before > 0 && after > 0;
    const change = isRatio && before !== after ? signedChange(after / before) : '';
    return [{ name, a: cell(before), b: cell(after), change }];
  };
  const some = (name: string, of: (result: Result) => number): SideBySide[] =>
    of(a.result) + of(b.result) === 0 ? [] : row(name, of, formatCount);
  const sum = (counts: Readonly<Record<string, number | undefined>>): number =>
    Object.values(counts).reduce<number>((all, count) => all + (count ?? 0), 0);
  const reasons = Object.entries(SKIP_TEXTS).flatMap(([reason, text]) => {
    const of = ({ skipped }: Result): number =>
      (skipped as Readonly<Record<string, number | undefined>>)[reason] ?? 0;
    return of(a.result) + of(b.result) === 0 ? [] : row(`  ${text}`, of, formatCount);
  });
  const codes = new Set([a, b].flatMap(({ result }) => Object.keys(result.failed)));
  const errors = [...codes].flatMap((code) =>
    row(`  error ${code}`, ({ failed }) => failed[code] ?? 0, formatCount),
  );
  return [
    ...row('records', ({ records }) => records, formatCount, false),
    ...row('sent', ({ sent }) => sent, formatCount),
    ...row('skipped', ({ skipped }) => sum(skipped), formatCount),
    ...reasons,
    ...row('failed', ({ failed }) => sum(failed), formatCount),
    ...errors,
    ...some('deadlocks', ({ deadlocks }) => deadlocks),
    ...some('broken off', ({ brokenOff }) => brokenOff),
    ...some('sessions lost', ({ sessions }) => sessions.lost),
    ...row(
      'took',
      ({ tookMs }) => tookMs,
      (value) => lengthText(value, view),
    ),
    ...row(
      'rate',
      ({ perSecond }) => perSecond,
      (value) => `${rateText(value)}/s`,
    ),
    ...row('latency', ({ latency }) => latency?.averageMs ?? null, ms),
    ...row('  50 %', ({ latency }) => latency?.p50Ms ?? null, ms),
    ...row('  95 %', ({ latency }) => latency?.p95Ms ?? null, ms),
    ...row('  99 %', ({ latency }) => latency?.p99Ms ?? null, ms),
    ...row('  longest', ({ latency }) => latency?.maxMs ?? null, ms),
    ...row('late, 99 %', ({ lateMs }) => lateMs?.p99Ms ?? null, ms),
  ];
}

/** What holds for all digests: sentences, escaped for a terminal; none where there is nothing. */
export function commonTexts(comparison: ReplayComparison): string[] {
  const { common, threshold, unchangedRows, slower, faster } = comparison;
  if (common === null || common.together === 0) return [];
  const { factor, together, rows, isChange, names } = common;
  const texts = new Map(
    [...unchangedRows, ...slower, ...faster].map((row) => [row.digest, row.text]),
  );
  const shown = names.slice(0, MOST_STATEMENTS).flatMap((name) => {
    const text = name === null ? undefined : texts.get(name);
    if (name === null || text === undefined) return [];
    const statement = truncate(escapeText(text), LONGEST_STATEMENT);
    return [`${escapeText(name.slice(0, SHOWN_DIGITS))} "${statement}"`];
  });
  const more = together - shown.length;
  const which = [...shown, ...(more > 0 ? [`${formatCount(more)} more`] : [])].join(', ');
  return [
    `${formatCount(together)} of ${counted(rows, 'digest')} changed together, ${percentChange(factor)} ${factor > 1 ? 'slower' : 'faster'} in B: ${which}.`,
    isChange
      ? 'This is one change: of the server, of the machine, or of the way to it. The rest is judged beside it.'
      : `This is less than the ${Math.round(threshold * 100)} % that count.`,
  ];
}

const MOST_STATEMENTS = 3;
const LONGEST_STATEMENT = 32;

/** Answers of a statement that failed: in B, or in A where B did not send it. */
export function answersOf({ a, b }: Pick<ComparedError, 'a' | 'b'>): number {
  const inB = b?.count ?? 0;
  return inB > 0 ? inB : (a?.count ?? 0);
}

/** What is not among the findings, and why: sentences. */
export function restTexts(comparison: ReplayComparison): string[] {
  const { unjudged, unchanged, threshold, newErrors, otherRows, checksums, common } = comparison;
  const { errorsOnlyInA, errorsOnlyInB } = comparison;
  const percent = `${Math.round(threshold * 100)} %`;
  const doubtful = [...newErrors, ...errorsOnlyInA, ...errorsOnlyInB, ...otherRows];
  const chance = doubtful.some(({ mayBeChance }) => mayBeChance);
  const parts = [
    ...(unchanged === 0
      ? []
      : [
          `${counted(unchanged, 'digest')} ${common?.isChange === true ? 'changed only as the others did' : 'as fast'} (by less than ${percent}${common?.isChange === true ? ' besides' : ''}, or no more than chance)`,
        ]),
    ...(unjudged.rows === 0
      ? []
      : [
          `${counted(unjudged.rows, 'digest')} with too few answers to judge (${formatCount(unjudged.statements)})`,
        ]),
  ];
  return [
    ...(parts.length === 0 ? [] : [`${parts.join(', ')}.`]),
    ...(chance
      ? ['What has a ? may be chance: it depends on what else went on at that moment.']
      : []),
    ...(checksums.tables > 0 && checksums.incomparable === null && checksums.other.length === 0
      ? [`${counted(checksums.tables, 'table')} with the same sum.`]
      : []),
    ...(checksums.tables > 0 && checksums.incomparable !== null
      ? [`Sums of tables were not compared: ${checksums.incomparable}.`]
      : []),
  ];
}
