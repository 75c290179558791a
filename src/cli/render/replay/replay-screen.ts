import type { Replay, ReplayResult, Spread } from '../../../core/replays/replay.ts';
import type { ReplaySortKey } from '../../../core/replays/replay-row-order.ts';
import { counted, formatCount } from '../../../core/units.ts';
import { lengthText, millisecondsText, rateText } from '../../../display/report-numbers.ts';
import { escapeText } from '../../../display/escape.ts';
import { fullName } from '../full-name.ts';
import { localTime } from '../moments.ts';
import type { Tone } from '../paint.ts';
import { layoutRows, type RowColumn } from '../report/row-layout.ts';
import { cut, labelled, type ReportView } from '../report/report-view.ts';
import { fillLines } from '../width.ts';
import { accountingLines } from './replay-accounting.ts';
import { replayRowLines } from './replay-rows.ts';
import {
  accessText,
  endedEarly,
  endText,
  sourceText,
  speedText,
  targetText,
} from './replay-words.ts';

/** Rows of digests that are shown however low the terminal is. */
const LEAST_ROWS = 3;

export interface ShownRows {
  /** Most rows; null for all. */
  readonly limit: number | null;
  readonly sort: ReplaySortKey;
}

/**
 * A replay for a terminal: what became of every record, how long statements took, the digests that matter.
 * @param height lines of the terminal, which it fits where that leaves 3 rows; null: everything that was asked for.
 */
export function renderReplay(
  replay: Replay,
  rows: ShownRows,
  view: ReportView,
  height: number | null = null,
): string {
  const head = headLines(replay, view);
  const { result } = replay;
  if (result === null) return `${head.join('\n')}\n`;
  const all = Math.min(result.rows.length, rows.limit ?? Infinity);
  const lines = (most: number): string[] => [
    ...head,
    ...replayRowLines(replay, result, { ...rows, limit: most }, view),
  ];
  if (height === null) return `${lines(all).join('\n')}\n`;
  // A digest takes two lines at most; the prompt has one, too.
  let most = Math.min(all, Math.max(LEAST_ROWS, Math.floor((height - head.length - 5) / 2)));
  while (most > Math.min(LEAST_ROWS, all) && lines(most).length >= height) most--;
  return `${lines(most).join('\n')}\n`;
}

/** Everything but the digests. */
function headLines(replay: Replay, view: ReportView): string[] {
  const { stored, result, capture } = replay;
  const lines = titleLines(replay, view);
  const add = (label: string, text: string, tone: Tone | null = null): void => {
    const words = escapeText(text).split(' ');
    lines.push(...labelled(label, words, view).map((line) => toned(line, tone, view)));
  };
  add('record', sourceText(stored.source));
  add('target', `${capture.environmentName} (${targetText(stored.target)})`);
  add('how', `${accessText(stored.options)}; ${speedText(stored.options)}`);
  if (endedEarly(replay)) add('ended', endText(replay), 'bad');
  else if (capture.reason !== null) add('ended', capture.reason, 'bad');
  if (result === null) {
    const { progress } = stored;
    if (progress !== null) {
      const { records, sent, skipped, failed } = progress;
      add(
        'so far',
        `${formatCount(sent)} sent, ${formatCount(skipped)} skipped, ${formatCount(failed)} failed of ${counted(records, 'record')}`,
      );
    } else add('so far', 'nothing was sent');
    return lines;
  }
  add('took', tookText(result, view));
  add('sessions', sessionsText(result));
  const { binary, text } = result.executes;
  if (binary + text > 0) {
    add('executes', `${formatCount(binary)} prepared, ${formatCount(text)} sent as text`);
  }
  const waits = waitsText(result);
  if (waits !== null) add('waits', waits, 'busy');
  if (result.checksums.length > 0) add('checksums', checksumsText(result.checksums));
  for (const warning of result.warnings) add('warning', warning, 'busy');
  for (const sentence of result.divergence) add('may differ', sentence);
  lines.push(
    '',
    ...accountingLines(
      result,
      result.statements,
      { errors: result.errors, isPlanned: false },
      view,
    ),
  );
  lines.push(...spreadLines(result, view));
  return lines;
}

function toned(line: string, tone: Tone | null, { paint }: ReportView): string {
  return tone === null ? line : paint(tone, line);
}

/** Which replay it is, and when it was. */
export function titleLines(replay: Replay, view: ReportView): string[] {
  const { capture } = replay;
  const { start, end } = capture;
  const how = endedEarly(replay) ? ', ended early' : '';
  const parts = [escapeText(fullName(capture)), `replay ${capture.status}${how}`];
  if (start !== null) {
    const from = localTime(start, view.zone);
    const to = end === null ? null : localTime(end, view.zone);
    const shownTo = to?.slice(0, 10) === from.slice(0, 10) ? to.slice(11) : to;
    parts.push(shownTo === null ? `since ${from}` : `${from} to ${shownTo}`, view.zone);
  }
  return fillLines(
    parts.map((part) => cut(part, view.width, view)),
    view.width,
    { separator: view.ascii ? ' | ' : ' · ' },
  ).map((line) => view.paint('strong', line));
}

function tookText(
  { tookMs, recordedMs, perSecond, statements, ended }: ReplayResult,
  view: ReportView,
): string {
  // Of a part of the record nobody can say how long it is.
  if (ended.why !== 'complete') {
    return `${lengthText(tookMs, view)}; ${rateText(perSecond)} statements/s`;
  }
  const answers = statements.records - sumOf(statements.skipped);
  const took = `${lengthText(tookMs, view)} for ${lengthText(recordedMs, view)} of the record`;
  if (answers === 0 || recordedMs === 0) return took;
  const recorded = rateText((answers * 1_000) / recordedMs);
  return `${took}; ${rateText(perSecond)} statements/s, recorded ${recorded}/s`;
}

function sumOf(counts: Readonly<Record<string, number | undefined>>): number {
  return Object.values(counts).reduce<number>((sum, count) => sum + (count ?? 0), 0);
}

function sessionsText({ sessions }: ReplayResult): string {
  const { recorded, opened, mostAtOnce, lost } = sessions;
  const some = `${formatCount(recorded)} recorded, ${counted(opened, 'connection')}, ${formatCount(mostAtOnce)} at once`;
  return lost === 0 ? some : `${some}, ${formatCount(lost)} refused or lost`;
}

/** More are data: `result.checksums`. */
const MOST_CHECKSUMS = 6;

function checksumsText(checksums: ReplayResult['checksums']): string {
  const shown = checksums
    .slice(0, MOST_CHECKSUMS)
    .map(({ table, checksum }) => `${table} ${checksum ?? 'unknown'}`);
  const more = checksums.length - shown.length;
  return [...shown, ...(more > 0 ? [`${formatCount(more)} more`] : [])].join(', ');
}

function waitsText({ brokenOff, deadlocks }: ReplayResult): string | null {
  const parts = [
    ...(deadlocks > 0 ? [counted(deadlocks, 'deadlock')] : []),
    ...(brokenOff > 0 ? [`${counted(brokenOff, 'statement')} broken off without an answer`] : []),
  ];
  return parts.length === 0 ? null : parts.join(', ');
}

/** How long answers took and how late statements were, a line each. */
function spreadLines({ latency, lateMs }: ReplayResult, view: ReportView): string[] {
  const spreads: (readonly [string, Spread])[] = [
    ...(latency === null ? [] : [['latency', latency] as const]),
    ...(lateMs === null ? [] : [['lateness', lateMs] as const]),
  ];
  if (spreads.length === 0) return [];
  const column = (header: string, of: (spread: Spread) => string): RowColumn => ({
    header,
    cells: spreads.map(([, spread]) => of(spread)),
    align: 'right',
    least: null,
    weight: 50,
  });
  const ms = (value: number): string => millisecondsText(value, view);
  const { header, lines } = layoutRows(
    [
      { header: '', cells: spreads.map(([name]) => name), align: 'left', least: null, weight: 99 },
      column('AVERAGE', ({ averageMs }) => ms(averageMs)),
      column('P50', ({ p50Ms }) => ms(p50Ms)),
      column('P95', ({ p95Ms }) => ms(p95Ms)),
      column('P99', ({ p99Ms }) => ms(p99Ms)),
      column('MOST', ({ maxMs }) => ms(maxMs)),
    ],
    view.width,
    view,
  );
  return ['', view.paint('strong', header), ...lines];
}
