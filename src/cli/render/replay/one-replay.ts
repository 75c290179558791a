import { isOver } from '../../../core/captures/capture.ts';
import type { Replay } from '../../../core/replays/replay.ts';
import { formatCount } from '../../../core/units.ts';
import { millisecondsText } from '../../../display/report-numbers.ts';
import { captureNoun } from '../captures.ts';
import { column, listed, type Column, type Noun } from '../column.ts';
import { replayNoun } from './replay-noun.ts';
import {
  accessText,
  accountingText,
  endedEarly,
  otherOptionTexts,
  reachedText,
  sourceText,
  speedText,
  targetText,
} from './replay-words.ts';

/** Lines of a capture that say nothing of a replay. */
const OF_CAPTURES = ['scheduledStart', 'scheduledEnd'];

const OF_ROW: readonly Column<Replay>[] = captureNoun.detail
  .filter(({ field }) => !OF_CAPTURES.includes(field) && !field.startsWith('workload.'))
  .map(({ field, header, cell, tone }) =>
    column<Replay>(field, header, ({ capture }, view) => cell(capture, view), {
      ...(tone === undefined ? {} : { tone: ({ capture }: Replay) => tone(capture) }),
    }),
  );

const OF_REPLAY: readonly Column<Replay>[] = [
  column('replay.source', 'RECORD', ({ stored }) => sourceText(stored.source)),
  column('replay.target', 'TARGET', ({ stored }) => targetText(stored.target)),
  column(
    'replay.options',
    'HOW',
    ({ stored }) => `${accessText(stored.options)}; ${speedText(stored.options)}`,
  ),
  column('replay.options', 'OPTIONS', ({ stored }, { zone }) =>
    listed(otherOptionTexts(stored.options, zone)),
  ),
  column('replay.plan', 'POSITION', ({ stored }) => stored.plan?.position ?? '-'),
  column('result.ended', 'ENDED', endedText, {
    tone: (replay) => (endedEarly(replay) ? 'bad' : null),
  }),
  column('result.records', 'RECORDS', replayedText),
  column('result.statements', 'STATEMENTS', ({ result }) =>
    result === null ? '-' : accountingText(result.statements),
  ),
  column('result.latency', 'LATENCY', ({ result }) => spreadText(result?.latency ?? null)),
  column('result.lateMs', 'LATENESS', ({ result }) => spreadText(result?.lateMs ?? null)),
];

function endedText({ result, capture }: Replay): string {
  if (result === null) return isOver(capture.status) ? 'without a result' : '-';
  return result.ended.why === 'complete'
    ? 'at the end of the record'
    : `early, after ${reachedText(result)}`;
}

function replayedText({ result, stored, capture }: Replay): string {
  if (result !== null) return accountingText(result);
  const { progress } = stored;
  if (progress === null) return isOver(capture.status) ? 'nothing was sent' : 'nothing sent yet';
  const [records, sent, skipped, failed] = [
    progress.records,
    progress.sent,
    progress.skipped,
    progress.failed,
  ].map(formatCount);
  return `${sent} sent, ${skipped} skipped, ${failed} failed so far of ${records}`;
}

function spreadText(
  spread: { readonly averageMs: number; readonly p99Ms: number; readonly maxMs: number } | null,
): string {
  if (spread === null) return '-';
  const [average = '', p99 = '', most = ''] = [spread.averageMs, spread.p99Ms, spread.maxMs].map(
    (ms) => millisecondsText(ms, { ascii: false }),
  );
  return `${average} on average, 99 % up to ${p99}, at most ${most}`;
}

/** A replay as `captures get` shows it: without its digests, which are its report. */
export const replayDetailNoun: Noun<Replay> = { ...replayNoun, detail: [...OF_ROW, ...OF_REPLAY] };
