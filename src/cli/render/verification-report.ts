import type { Verification } from '../../core/verification/verification-service.ts';
import { jsonFields, type Json, type Noun } from './column.ts';
import { escapeText } from '../../display/escape.ts';
import { localTime } from './moments.ts';
import { fullName } from './full-name.ts';
import type { Paint } from './paint.ts';
import { counted, formatBytes, formatCount, formatDuration } from '../../core/units.ts';
import { valuesJson, valuesText } from './values.ts';
import type { Affected } from '../../core/workloads/workload.ts';
import { hanging, messageLines } from './messages.ts';
import { leftOutText } from './options-text.ts';

function affectedJson({ records, sessions, isAll, examples }: Affected): Record<string, Json> {
  return {
    records,
    sessions,
    isAll,
    examples: examples.map(({ session, user, host }) => ({ session, user, host })),
  };
}

const LABEL_WIDTH = 12;

/** The report for a terminal; behind a blank line it ends with the result. */
export function renderVerification(
  found: Verification,
  paint: Paint,
  view: { readonly width: number; readonly zone: string },
): string {
  const { capture, files, result, facts } = found;
  const { counts } = files;
  const lines: string[] = [];
  const add = (label: string, text: string, tone: 'bad' | 'busy' | 'dim' | null = null): void => {
    lines.push(
      ...hanging(label.padEnd(LABEL_WIDTH + 2), text, view.width, {
        label: (shown) => paint('dim', shown),
        text: (line) => (tone === null ? line : paint(tone, line)),
      }),
    );
  };
  add(
    'capture',
    capture === null ? found.folder : `${fullName(capture)} (id ${capture.id}), ${capture.status}`,
  );
  add('window', windowText(found, view));
  const sound = files.segments.filter(({ isSound }) => isSound).length;
  const bytes = files.segments.reduce((sum, one) => sum + one.bytes, 0);
  add(
    'segments',
    `${sound} of ${counted(files.segments.length, 'segment')} sound, ${formatBytes(bytes)}, ${counted(counts.records, 'record')} of ${counted(counts.sessions, 'session')}`,
  );
  add('statements', `${formatCount(counts.statements)} to run: queries and executes`);
  if (counts.values !== undefined && counts.values.executes > 0) {
    add('values', valuesText(counts.values), counts.values.withoutValues > 0 ? 'busy' : null);
  }
  const commands = commandsText(found);
  if (commands !== null) add('commands', commands);
  if (Object.values(found.leftOut).some((rows) => rows > 0)) {
    add('left out', leftOutText(found.leftOut, 0));
  }
  for (const [flag, affected] of Object.entries(files.byFlag)) add(flag, affectedText(affected));
  if (files.unknownUser.records > 0) add('unknown user', affectedText(files.unknownUser));
  const open = [
    ...(found.transactionsAtStart > 0 ? [`${found.transactionsAtStart} at the start`] : []),
    ...((found.transactionsAtEnd ?? 0) > 0 ? [`${found.transactionsAtEnd ?? 0} at the end`] : []),
  ];
  if (open.length > 0) add('open', `transactions: ${open.join(', ')}`);
  if (files.backwards.records > 0) {
    add(
      'times',
      `${counted(files.backwards.records, 'record')} stamped up to ${formatDuration(files.backwards.longestMs)} before an earlier one`,
    );
  }
  if (files.outside > 0) {
    add('times', `${counted(files.outside, 'record')} stamped outside of the window`, 'busy');
  }
  for (const warning of facts.warnings) add('warning', warning, 'busy');
  for (const note of result.notes) add('note', note);
  for (const { kind, what } of result.problems) add(kind.replace('_', ' '), what, 'bad');
  if (result.fewValues !== null) {
    add('few values', `${result.fewValues}. What helps: captures help values`, 'bad');
  }
  const tone =
    result.whole && result.fewValues === null
      ? 'good'
      : result.verdict === 'recording'
        ? 'busy'
        : 'bad';
  const conclusion = messageLines(escapeText(result.line), view.width);
  lines.push('', ...conclusion.map((line) => paint(tone, line)));
  return `${lines.join('\n')}\n`;
}

function windowText({ facts, capture }: Verification, view: { readonly zone: string }): string {
  const { start } = facts;
  if (start === null) return 'none: the capture never started';
  const from = localTime(Date.parse(start.time), view.zone);
  // A FAILED capture has no end on the server: its end is when it failed.
  const end = facts.end === null ? (capture?.end ?? null) : Date.parse(facts.end.time);
  if (end === null) return `${from} to now`;
  const length = formatDuration(end - Date.parse(start.time));
  return `${from} to ${localTime(end, view.zone)} (${length})`;
}

/** The server counts some rows that are no statement to run, such as a session's Quit. */
function commandsText({ result }: Verification): string | null {
  const { received, recorded } = result;
  if (received === null || recorded === null) return null;
  const { min, max } = received;
  const bounds =
    min === max ? formatCount(min) : `between ${formatCount(min)} and ${formatCount(max)}`;
  return `${bounds} by the server's own count, which includes each session's Quit; its log has ${formatCount(recorded)} of these`;
}

function affectedText({ records, sessions, isAll, examples }: Affected): string {
  const names = examples.map(
    ({ session, user, host }) => `${session} ${user ?? '?'}@${host ?? '?'}`,
  );
  const more = sessions > examples.length ? ', …' : '';
  const atLeast = isAll ? '' : 'at least ';
  return `${counted(records, 'record')} in ${atLeast}${counted(sessions, 'session')} (${names.join(', ')}${more})`;
}

/** For scripts; a terminal shows `renderVerification`. */
export const verificationNoun: Noun<Verification> = {
  ...jsonFields<Verification>({
    capture: ({ capture }) =>
      capture === null
        ? null
        : { id: capture.id, name: capture.name, environment: capture.environmentName },
    folder: ({ folder }) => folder,
    verdict: ({ result }) => result.verdict,
    whole: ({ result }) => result.whole,
    line: ({ result }) => result.line,
    records: ({ files }) => files.counts.records,
    statements: ({ files }) => files.counts.statements,
    recorded: ({ result }) => result.recorded,
    received: ({ result: { received } }) => (received === null ? null : { ...received }),
    missing: ({ result }) => result.missing,
    missingAtMost: ({ result }) => result.missingAtMost,
    unparsed: ({ result: { unparsed } }) => (unparsed === null ? null : { ...unparsed }),
    share: ({ result: { share } }) => (share === null ? null : { ...share }),
    values: ({ files: { counts } }) =>
      counts.values === undefined ? null : valuesJson(counts.values),
    enoughValues: ({ result }) => result.fewValues === null,
    problems: ({ result }) =>
      result.problems.map(({ kind, what, segment }) => ({ kind, what, segment })),
    notes: ({ result }) => [...result.notes],
    warnings: ({ facts }) => [...facts.warnings],
    gaps: ({ facts }) =>
      facts.gaps.map(({ from, to, cause, reason, missing }) => ({
        from,
        to,
        cause,
        reason,
        missing,
      })),
    leftOut: ({ leftOut }) => ({ ...leftOut }),
    flags: ({ files }) =>
      Object.entries(files.byFlag).map(([flag, affected]) => ({
        flag,
        ...affectedJson(affected),
      })),
    sessions: ({ files }) => files.counts.sessions,
    unknownUser: ({ files }) => affectedJson(files.unknownUser),
    transactionsAtStart: ({ transactionsAtStart }) => transactionsAtStart,
    transactionsAtEnd: ({ transactionsAtEnd }) => transactionsAtEnd,
    times: ({ files }) => ({
      first: files.firstTime,
      last: files.lastTime,
      backwards: files.backwards.records,
      longestBackMs: files.backwards.longestMs,
      outside: files.outside,
    }),
    segments: ({ files }) =>
      files.segments.map(({ segment, file, records, bytes, isSound }) => ({
        segment,
        file,
        records,
        bytes,
        sound: isSound,
      })),
    seconds: ({ took }) => Math.round(took) / 1_000,
  }),
  reference: ({ capture, folder }) => (capture === null ? folder : fullName(capture)),
  none: 'Nothing was verified.',
};
