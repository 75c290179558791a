import type { Gap } from '../workloads/gaps.ts';
import {
  between,
  type Bounds,
  type CompareCounters,
  type Comparison,
  type CountedWindow,
  type Incomparable,
} from './server-counters.ts';
import { lackingFirst, shareText, shareWithValues, type ValueCounts } from './value-counts.ts';
import { counted, formatCount, formatUtc } from '../units.ts';

/**
 * How true a record is. Commands are what the server counts: statements, each one of several in a text, and
 * what sessions do besides, such as to end:
 * - `whole`: nothing in it is damaged, no gap is known, and by the server's own counters, where they
 *   can be compared, everything it received in the window is in the record or left out as asked for;
 * - `not_whole`: something is missing;
 * - `damaged`: the files are not what was recorded;
 * - `recording`: it goes on; what is committed by now is sound.
 */
type Verdict = 'whole' | 'not_whole' | 'damaged' | 'recording';

interface Problem {
  readonly kind: 'damage' | 'gap' | 'not_logged' | 'incomplete' | 'failed';
  /** One sentence. */
  readonly what: string;
  /** Number of the segment it is about; null where it is about none. */
  readonly segment: number | null;
}

/** What is known of a capture whose record was looked at. */
export interface Evidence extends Omit<CountedWindow, 'server'> {
  /**
   * `over`: its window is closed and drained; `failed`: it FAILED; `never_began`: it FAILED before its
   * window opened; `unfinished`: a copy of what was not over yet.
   */
  readonly state: 'recording' | 'over' | 'failed' | 'never_began' | 'unfinished';
  /** Why it failed. */
  readonly reason: string | null;
  /** null where nothing says what it was. */
  readonly server: CountedWindow['server'] | null;
  readonly damage: readonly { readonly segment: number | null; readonly what: string }[];
  readonly gaps: readonly Gap[];
  /** Rows left out as asked for. */
  readonly leftOut: number;
  readonly records: number;
  /** Executes in the files, with and without values; null where they were not counted. */
  readonly values: ValueCounts | null;
  /** The least share of executes with values, from 0 to 1, that was asked for; null for none. */
  readonly minValues: number | null;
}

/** What a verification comes to. */
export interface VerificationResult {
  readonly verdict: Verdict;
  readonly whole: boolean;
  /** Commands in the log, recorded or left out as requested, as the server counts them; null: unknown. */
  readonly recorded: number | null;
  /** Commands that the server received in the window by its own counters; null: not comparable. */
  readonly received: Bounds | null;
  /** recorded ÷ received, between these two, at most 1; null where one is unknown. */
  readonly share: Bounds | null;
  /** How many are missing, at least; null where it is unknown. */
  readonly missing: number | null;
  /** And at most; null where it is unknown. */
  readonly missingAtMost: number | null;
  /**
   * Texts that the server could not parse, and so did not log: they are in neither of the numbers above.
   * null where it is not known.
   */
  readonly unparsed: Bounds | null;
  /** Executes with values ÷ executes; null where there are none. */
  readonly valuesShare: number | null;
  /** Whose executes lack values, where fewer have them than was asked for, a sentence; null else. */
  readonly fewValues: string | null;
  readonly problems: readonly Problem[];
  /** What one should know, and what keeps nothing from being whole. */
  readonly notes: readonly string[];
  readonly line: string;
}

/** Says how true a record is, by what was found. */
export function concludeVerification(
  evidence: Evidence,
  compare: CompareCounters,
): VerificationResult {
  const { server, rows } = evidence;
  const isOver = evidence.state === 'over';
  const comparable = server === null ? 'not_counted' : compare({ ...evidence, server });
  const compared = isOver ? comparable : 'not_sampled';
  const comparison = typeof compared === 'string' ? null : compared;
  const problems = problemsOf(evidence, comparison);
  const verdict = verdictOf(evidence, problems);
  const recorded =
    comparison?.likely ?? (rows === null ? null : rows.commands + rows.parts + rows.others);
  const missing = missingOf(evidence, comparison);
  const whole = verdict === 'whole';
  const missingAtMost = mostMissingOf(comparison, missing);
  const share = comparison === null ? null : shareOf(comparison, missing ?? 0, missingAtMost ?? 0);
  const valuesShare = evidence.values === null ? null : shareWithValues(evidence.values);
  const line = lineOf({
    verdict,
    problems,
    comparison,
    missing,
    missingAtMost,
    share,
    recorded,
    evidence,
  });
  return {
    verdict,
    whole,
    recorded,
    received: comparison?.counted ?? null,
    share,
    missing,
    missingAtMost,
    unparsed: comparison?.unparsed ?? null,
    valuesShare,
    fewValues: fewValuesOf(valuesShare, evidence),
    problems,
    notes: isOver ? notesOf(compared) : [],
    line: `${line}${verdict === 'damaged' ? '' : valuesWords(valuesShare, evidence)}`,
  };
}

/** Of fewer executes a share says less than how many they are. */
const FEW_EXECUTES = 100;

/** How much of what was prepared can be replayed, beside the count. */
function valuesWords(share: number | null, { values, minValues }: Evidence): string {
  if (share === null || values === null) return '';
  const asked =
    minValues !== null && share < minValues ? `, and ${shareText(minValues)} were required` : '';
  const { executes, withoutValues } = values;
  const known = executes < FEW_EXECUTES ? formatCount(executes - withoutValues) : shareText(share);
  return `; values known for ${known} of ${counted(executes, 'execute')}${asked}`;
}

function fewValuesOf(share: number | null, { values, minValues }: Evidence): string | null {
  if (values === null || share === null || minValues === null || share >= minValues) return null;
  const [most] = lackingFirst(values.users);
  const whose = most === undefined ? '' : `, most of them of ${most.user ?? 'an unknown user'}`;
  const lacking = counted(values.withoutValues, 'execute');
  return `${lacking} of ${formatCount(values.executes)} came without values${whose}: prepared before the log was on`;
}

function problemsOf(evidence: Evidence, comparison: Comparison | null): Problem[] {
  const { damage, gaps, state, reason } = evidence;
  const problems: Problem[] = damage.map(({ segment, what }) => ({
    kind: 'damage',
    what,
    segment,
  }));
  if (state === 'failed' || state === 'never_began') {
    const what = `The capture failed${state === 'failed' ? '' : ' at its start'}${because(reason)}`;
    problems.push({ kind: 'failed', what, segment: null });
  }
  if (state === 'unfinished') {
    const what = 'The capture was not over yet when these files were written';
    problems.push({ kind: 'incomplete', what, segment: null });
  }
  for (const gap of gaps) problems.push({ kind: 'gap', what: gapSentence(gap), segment: null });
  if (comparison !== null && comparison.missing > 0) {
    problems.push({
      kind: 'not_logged',
      what: `The server counted at least ${counted(comparison.missing, 'command')} more than its log has: sessions that do not log, a log that was switched off for a while, or rows that somebody removed from it. When is unknown`,
      segment: null,
    });
  }
  return problems;
}

function because(reason: string | null): string {
  return reason === null ? '' : `: ${reason}`;
}

function gapSentence({ from, to, reason, missing }: Gap): string {
  const [begin, end] = [from, to].map((time) => (time === null ? '?' : formatUtc(time)));
  const when = from === null && to === null ? '' : ` between ${begin} and ${end}`;
  const count = missing === null ? '' : ` (${counted(missing, 'command')} missing)`;
  return `A gap${when}${count}: ${reason}`;
}

function verdictOf({ state }: Evidence, problems: readonly Problem[]): Verdict {
  if (problems.some(({ kind }) => kind === 'damage')) return 'damaged';
  if (state === 'recording') return 'recording';
  return problems.length === 0 ? 'whole' : 'not_whole';
}

/** By the counters, else by the gaps, where these know. */
function missingOf({ gaps, state }: Evidence, comparison: Comparison | null): number | null {
  const inGaps = gaps.reduce<number | null>(
    (sum, { missing }) => (sum === null || missing === null ? null : sum + missing),
    0,
  );
  if (comparison !== null) return Math.max(comparison.missing, inGaps ?? 0);
  if (state !== 'over') return null;
  return inGaps;
}

/** What the server may have counted and not logged, where the counters can be compared. */
function mostMissingOf(comparison: Comparison | null, atLeast: number | null): number | null {
  if (comparison === null) return null;
  return Math.max(comparison.counted.max - comparison.logged.min, atLeast ?? 0, 0);
}

function shareOf({ likely }: Comparison, missing: number, missingAtMost: number): Bounds {
  const of = (lost: number): number => (lost === 0 ? 1 : likely / (likely + lost));
  return { min: of(missingAtMost), max: of(missing) };
}

const INCOMPARABLE: Record<Incomparable, string> = {
  restarted:
    "The server was restarted in the window, so its counters began again: they can't be compared",
  flushed: "Somebody set the server's counters to zero in the window: they can't be compared",
  not_sampled:
    "The server's own counters were not read at both edges of the window: they can't be compared",
  not_counted:
    "An older version of captures recorded it, which kept no count to compare with the server's",
  own_not_counted:
    'An older version of captures recorded some of it and was interrupted: how many of the commands that the server counted were its own is unknown',
};

function notesOf(compared: Comparison | Incomparable): string[] {
  if (typeof compared === 'string') return [INCOMPARABLE[compared]];
  const { counted: bounds, reasons } = compared;
  const notes = [...reasons];
  const spread = bounds.max - bounds.min;
  if (spread > 0) {
    notes.push(
      `The server counted ${between(bounds)} commands: counters and log cannot be read at the same instant`,
    );
  }
  return notes.map((note) => note.charAt(0).toUpperCase() + note.slice(1));
}

interface LineFacts {
  readonly verdict: Verdict;
  readonly problems: readonly Problem[];
  readonly comparison: Comparison | null;
  readonly missing: number | null;
  readonly missingAtMost: number | null;
  readonly share: Bounds | null;
  readonly recorded: number | null;
  readonly evidence: Evidence;
}

function lineOf(facts: LineFacts): string {
  const { verdict, problems, evidence } = facts;
  switch (verdict) {
    case 'damaged': {
      const damage = problems.filter(({ kind }) => kind === 'damage');
      const more = damage.length === 1 ? '' : ` (and ${damage.length - 1} more)`;
      return `DAMAGED: ${damage[0]?.what ?? ''}${more}`;
    }
    case 'recording':
      return `STILL RECORDING: what is committed so far is sound: ${counted(evidence.records, 'record')}`;
    case 'whole':
      return wholeLine(facts);
    case 'not_whole':
      return `NOT WHOLE: ${notWholeLine(facts)}`;
  }
}

function wholeLine({ comparison, recorded, missingAtMost, evidence }: LineFacts): string {
  if (comparison === null) {
    return `WHOLE: ${accounted(recorded, evidence)} without a gap; the server's counters can't say how many it received`;
  }
  const { likely, logged } = comparison;
  const most = missingAtMost ?? 0;
  // Else nobody sees why more may be missing than the server counted besides.
  const certain =
    logged.min < Math.min(likely, comparison.counted.max) && most > 0
      ? `, ${formatCount(logged.min)} of them certainly received`
      : '';
  const record = `${accounted(likely, evidence)}${certain}, the server counted ${between(comparison.counted)}`;
  const besides = unparsedWords(comparison);
  return most === 0
    ? `WHOLE: ${record}${besides}`
    : `WHOLE to within ${counted(most, 'command')}: ${record}, so at most ${formatCount(most)} missing${besides}`;
}

function unparsedWords({ unparsed }: Comparison): string {
  if (unparsed === null || unparsed.max === 0) return '';
  return `; not counted: ${between(unparsed)} that could not be parsed, which the server does not log`;
}

/** @param commands as the server counts them; null where that is not known: records are counted then. */
function accounted(commands: number | null, { leftOut, records }: Evidence): string {
  const how = leftOut === 0 ? 'recorded' : 'recorded or left out as requested';
  const what = commands === null ? counted(records, 'record') : counted(commands, 'command');
  return `${what} ${(commands ?? records) === 1 ? 'is' : 'are'} ${how}`;
}

function notWholeLine(facts: LineFacts): string {
  const { comparison, missing, missingAtMost, share, recorded, problems, evidence } = facts;
  const { gaps, state, reason } = evidence;
  if (state === 'never_began') {
    return `nothing was recorded, because the capture failed at its start${because(reason)}`;
  }
  const causes: string[] = [];
  if (problems.some(({ kind }) => kind === 'failed')) causes.push('the capture failed');
  if (problems.some(({ kind }) => kind === 'incomplete')) causes.push('it is not complete');
  if (gaps.length > 0) causes.push(counted(gaps.length, 'gap'));
  causes.push(missingWords(missing, missingAtMost));
  const [gap] = gaps;
  if (gaps.length === 1 && gap !== undefined && gap.from !== null && gap.to !== null) {
    causes.push(`between ${formatUtc(gap.from)} and ${formatUtc(gap.to)}`);
  }
  const part =
    share === null || missing === null || missing === 0
      ? ''
      : ` (${missing === missingAtMost ? '' : 'at most '}${percent(share.max)})`;
  const received = comparison === null ? '' : `, the server counted ${between(comparison.counted)}`;
  const besides = comparison === null ? '' : unparsedWords(comparison);
  return `${accounted(recorded, evidence)}${part}${received}: ${causes.join(', ')}${besides}`;
}

/** @param atMost null where the server's counters cannot tell. */
function missingWords(atLeast: number | null, atMost: number | null): string {
  if (atLeast === null) return 'how many are missing is unknown';
  if (atMost === null) {
    return atLeast === 0
      ? 'in which no command was lost'
      : `at least ${counted(atLeast, 'command')} missing`;
  }
  if (atMost === 0) return "but by the server's counters no command is missing";
  if (atLeast === 0) return `at most ${counted(atMost, 'command')} missing`;
  return `${between({ min: atLeast, max: atMost })} missing`;
}

/** Rounded down: what is not whole is never 100 %. */
function percent(share: number): string {
  const hundredths = Math.min(Math.floor(share * 10_000), 9_999);
  return `${(hundredths / 100).toFixed(2)} %`;
}
