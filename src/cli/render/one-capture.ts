import type { Gap } from '../../core/workloads/gaps.ts';
import type { Recycled } from '../../core/warm-ups/source-sessions.ts';
import type { DetailedCapture, RecordedFacts } from '../../core/captures/capture-details.ts';
import type { ListedCapture } from '../../core/store.ts';
import type { WarmUp } from '../../core/warm-ups/warm-up.ts';
import { captureJson, captureNoun } from './captures.ts';
import {
  column,
  listed,
  orDash,
  paths,
  type Column,
  type JsonObject,
  type Noun,
  type View,
  placeText,
} from './column.ts';
import { isoTime, localMoment, localTime } from './moments.ts';
import { guardsText, leftOutText, recordedText } from './options-text.ts';
import {
  counted,
  formatBytes,
  formatCount,
  formatDuration,
  formatRelative,
} from '../../core/units.ts';
import { originJson, originText } from './origins.ts';
import { serverText } from './servers.ts';
import { valuesJson, valuesText } from './values.ts';

function detailJson(capture: DetailedCapture): JsonObject {
  const { recorded, metrics } = capture;
  const json = captureJson(capture);
  return {
    ...json,
    workload: recorded === null ? (json['workload'] ?? null) : workloadJson(capture, recorded),
    warmUp: warmUpJson(capture.warmUp),
    metrics:
      metrics === null
        ? null
        : {
            fetchedAt: isoTime(metrics.fetchedAt),
            nextAt: isoTime(metrics.nextAt),
            failure: metrics.failure,
          },
  };
}

function workloadJson(capture: ListedCapture, recorded: RecordedFacts): JsonObject {
  const { records, textBytes, fileBytes } = capture;
  const { server } = recorded;
  return {
    records,
    textBytes,
    fileBytes,
    statements: recorded.statements,
    sessions: recorded.sessions,
    byKind: recorded.byKind,
    byFlag: recorded.byFlag,
    skipped: recorded.skipped,
    leftOut: { statements: recorded.leftOut.statements, sessions: recorded.leftOut.sessions },
    values: recorded.values === null ? null : valuesJson(recorded.values),
    server:
      server === null
        ? null
        : {
            flavor: server.flavor,
            version: server.version,
            hostname: server.hostname,
            port: server.port,
          },
    gaps: recorded.gaps.map(({ from, to, cause, reason, afterSeq, missing }) => ({
      from,
      to,
      cause,
      reason,
      afterSeq,
      missing,
    })),
    warnings: recorded.warnings,
    deadManObstacle: recorded.deadManObstacle,
    recycled: recycledJson(recorded.recycled),
    imported: recorded.imported === null ? null : originJson(recorded.imported),
    folder: recorded.folder,
    files: recorded.files.map(({ file, bytes }) => ({ file, bytes })),
    diskBytes: diskBytes(recorded),
  };
}

function recycledJson(recycled: Recycled | null): JsonObject | null {
  if (recycled === null) return null;
  const { since, ended, left, isOver, sessions } = recycled;
  return {
    since,
    ended,
    left,
    over: isOver,
    sessions: sessions.map((session) => ({ ...session })),
  };
}

function warmUpJson(warmUp: WarmUp | null): JsonObject | null {
  if (warmUp === null) return null;
  const { begin, until, state, outcome } = warmUp;
  return { state, since: isoTime(begin), until: isoTime(until), reason: outcome };
}

function recycledText({ ended, left, isOver }: Recycled): string {
  const busy = isOver
    ? 'were not: busy, in a transaction, or with a lock or a temporary table'
    : 'to go';
  const rest = left === 0 ? '' : `; ${formatCount(left)} ${busy}`;
  const were = ended === 1 ? 'earlier session was' : 'earlier sessions were';
  return `${formatCount(ended)} ${were} ended${rest}`;
}

function diskBytes({ files }: RecordedFacts): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** A line about the recording; `-` where there is none. */
function about(
  field: string,
  header: string,
  cell: (recorded: RecordedFacts, view: View) => string,
): Column<DetailedCapture> {
  return column(`workload.${field}`, header, ({ recorded }, view) =>
    orDash(recorded, (one) => cell(one, view)),
  );
}

const INTERRUPTED: Column<DetailedCapture> = column('trouble', 'INTERRUPTED', ({ trouble }, view) =>
  orDash(trouble, ({ since, reason }) => `since ${localTime(since, view.zone)}: ${reason}`),
);

const WARM_UP: Column<DetailedCapture> = column(
  'warmUp',
  'WARM-UP',
  ({ options, warmUp }, view) => {
    if (options.warmUp === null) return '-';
    const asked = `${formatDuration(options.warmUp)} before the start`;
    if (warmUp === null) return asked;
    const { state, begin, outcome } = warmUp;
    const since = `since ${localTime(begin, view.zone)}`;
    return state === 'over' ? `${asked}: over, ${outcome ?? ''}` : `${asked}: ${state} ${since}`;
  },
);

const ASKED_FOR: readonly Column<DetailedCapture>[] = [
  column('options', 'RECORDED', ({ options }) => recordedText(options)),
  column('options', 'GUARDS', ({ options, recorded }) =>
    guardsText(options, recorded?.deadManObstacle ?? null),
  ),
];

const RECORDED: readonly Column<DetailedCapture>[] = [
  about(
    'statements',
    'STATEMENTS',
    ({ statements }) => `${formatCount(statements)} to run: queries and executes`,
  ),
  about('sessions', 'SESSIONS', ({ sessions }) => formatCount(sessions)),
  about('byKind', 'KINDS', ({ byKind }) => countsOf(byKind)),
  about('byFlag', 'FLAGS', ({ byFlag }) => countsOf(byFlag)),
  about('values', 'VALUES', ({ values }) => orDash(values, valuesText)),
  about('recycled', 'RECYCLED', ({ recycled }) => orDash(recycled, recycledText)),
  about('skipped', 'LEFT OUT', ({ skipped, leftOut }) => leftOutText(skipped, leftOut.sessions)),
  about('gaps', 'GAPS', ({ gaps }, { zone }) => listed(gaps.map((gap) => gapText(gap, zone)))),
  about('warnings', 'WARNINGS', ({ warnings }) => listed(warnings)),
  about('imported', 'IMPORTED', ({ imported, server }, { zone }) =>
    orDash(
      imported,
      (origin) => `${localTime(origin.importedAt, zone)}, from ${originText(origin, server)}`,
    ),
  ),
  about('server', 'SERVER', ({ server }) => orDash(server, serverText)),
  about('files', 'FILES', ({ files }) =>
    listed(files.map(({ file, bytes }) => `${file} (${formatBytes(bytes)})`)),
  ),
  about('diskBytes', 'ALL FILES', (recorded) => formatBytes(diskBytes(recorded))),
  about('folder', 'FOLDER', ({ folder }, view) => placeText(folder, view)),
];

const METRICS: Column<DetailedCapture> = column(
  'metrics.fetchedAt',
  'METRICS',
  ({ metrics }, view) => {
    if (metrics === null) return '-';
    const at = metrics.fetchedAt;
    const fetched = at === null ? 'not fetched yet' : `fetched ${localMoment(at, view)}`;
    const again = metrics.nextAt === null ? '' : `, next ${nextText(metrics.nextAt, view.now)}`;
    return metrics.failure === null
      ? fetched + again
      : `${fetched}; failed: ${metrics.failure}${again}`;
  },
);

function nextText(at: number, now: number): string {
  return at <= now ? 'due' : formatRelative(at, now, 2);
}

function countsOf(counts: Readonly<Record<string, number>>): string {
  const some = Object.entries(counts).filter(([, count]) => count > 0);
  return listed(some.map(([name, count]) => `${name} ${formatCount(count)}`));
}

function gapText({ from, to, reason, afterSeq, missing }: Gap, zone: string): string {
  const place =
    afterSeq === 0 ? 'before the first record' : `after record ${formatCount(afterSeq)}`;
  const count = missing === null ? '' : `, ${counted(missing, 'command')} missing`;
  const [begin, end] = [from, to].map((time) =>
    time === null ? 'unknown' : localTime(Date.parse(time), zone),
  );
  const when = from === null && to === null ? 'at an unknown time' : `${begin} to ${end}`;
  return `${when}, ${place}${count}: ${reason}`;
}

const WORKLOAD_FIELDS =
  paths(`statements sessions byKind byFlag skipped leftOut.statements leftOut.sessions
  values.executes values.withoutValues values.share values.users values.otherUsers values.sessions
  values.otherSessions server gaps warnings deadManObstacle recycled imported folder files diskBytes`).map(
    (field) => `workload.${field}`,
  );

export const captureDetailNoun = {
  ...captureNoun,
  fields: [
    ...captureNoun.fields.slice(0, captureNoun.fields.indexOf('options')),
    ...WORKLOAD_FIELDS,
    ...paths(
      `warmUp options trouble replayed.sent replayed.skipped replayed.failed
      metrics.fetchedAt metrics.nextAt metrics.failure`,
    ),
  ],
  toJson: detailJson,
  columns: captureNoun.columns,
  detail: [...captureNoun.detail, INTERRUPTED, WARM_UP, ...ASKED_FOR, ...RECORDED, METRICS],
} satisfies Noun<DetailedCapture>;

/** The same without the lines that say nothing: about trouble, or a recording, where there is none. */
export function detailNounOf(capture: DetailedCapture): Noun<DetailedCapture> {
  const isSaid = ({ field }: Column<DetailedCapture>): boolean => {
    if (field === 'trouble') return capture.trouble !== null;
    if (field === 'warmUp') return capture.options.warmUp !== null;
    if (field === 'workload.imported') return (capture.recorded?.imported ?? null) !== null;
    if (field === 'workload.recycled') return capture.options.recycleUsers !== null;
    if (capture.recorded !== null) return true;
    return field === 'options'
      ? capture.recordsStatements
      : field === 'workload.records' || !field.startsWith('workload.');
  };
  return { ...captureDetailNoun, detail: captureDetailNoun.detail.filter(isSaid) };
}
