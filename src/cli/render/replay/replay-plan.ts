import type {
  ReplayOptions,
  ReplayPlan,
  ReplaySource,
  SkipReason,
} from '../../../core/replays/replay.ts';
import type { PlannedReplay } from '../../../core/replays/replay-request.ts';
import { counted, formatCount, roundedDuration } from '../../../core/units.ts';
import { escapeText } from '../../../display/escape.ts';
import { paths, type Json, type JsonObject, type Noun } from '../column.ts';
import { localTime } from '../moments.ts';
import { messageLines } from '../messages.ts';
import { shellQuoted } from '../shell-quoting.ts';
import { labelled, type ReportView } from '../report/report-view.ts';
import { accountingLines, entriesOf } from './replay-accounting.ts';
import { replayOptionsJson } from './replay-noun.ts';
import { accessText, otherOptionTexts, sourceText, speedText } from './replay-words.ts';

/** A plan with how it was asked for. */
export interface ShownPlan extends PlannedReplay {
  readonly options: ReplayOptions;
}

/** What `--dry-run` prints. */
export const replayPlanNoun: Noun<ShownPlan> = {
  fields: [
    ...paths(`plan.records plan.sent plan.skipped plan.failed plan.statements plan.sessions
      plan.sessionsAtOnce plan.from plan.to plan.length plan.position plan.warnings`),
    ...paths('source options target'),
  ],
  toJson: ({ plan, source, target, options }) => ({
    plan: plan as unknown as Json,
    source: source as unknown as Json,
    options: replayOptionsJson(options),
    target: target,
  }),
  reference: ({ source }) => source.captureName,
  none: 'No plan.',
};

/** What would become of so many records. */
export interface PlannedPart {
  readonly what: 'sent' | 'skipped' | 'all';
  /** null but for what is skipped. */
  readonly reason: string | null;
  readonly records: number;
  readonly statements: number;
}

/** A line of CSV or TSV: the parts add up to the last one, `all`. */
export const plannedPartNoun: Noun<PlannedPart> = {
  fields: paths('what reason records statements'),
  toJson: (part): JsonObject => ({ ...part }),
  reference: ({ what, reason }) => reason ?? what,
  none: 'No record.',
};

export function plannedParts({ plan }: ShownPlan): PlannedPart[] {
  const { statements } = plan;
  return [
    { what: 'sent', reason: null, records: plan.sent, statements: statements.sent },
    ...entriesOf(plan.skipped).map(([reason, records]): PlannedPart => ({
      what: 'skipped',
      reason,
      records,
      statements: statements.skipped[reason as SkipReason] ?? 0,
    })),
    { what: 'all', reason: null, records: plan.records, statements: statements.records },
  ];
}

export function renderReplayPlan(shown: ShownPlan, view: ReportView): string {
  const { plan, source, target, options } = shown;
  const title = `Plan of a replay on ${target.environment}: nothing is stored or sent`;
  const lines = messageLines(escapeText(title), view.width).map((line) =>
    view.paint('strong', line),
  );
  const add = (label: string, text: string, isBad = false): void => {
    const filled = labelled(label, escapeText(text).split(' '), view);
    lines.push(...filled.map((line) => (isBad ? view.paint('busy', line) : line)));
  };
  add('record', `${sourceText(source)}${partText(plan, view.zone)}`);
  const { flavor, version } = target.server;
  add('target', `${target.environment} (${flavor} ${version}, ${target.place})`);
  const doubt = doubtText(target);
  if (doubt !== null) add('', doubt, true);
  add('how', `${accessText(options)}; ${speedText(options)}`);
  for (const text of otherOptionTexts(options, view.zone)) add('', text);
  add(
    'sessions',
    `${formatCount(plan.sessions)}, ${formatCount(Math.min(plan.sessionsAtOnce, options.sessions ?? Infinity))} at once at most`,
  );
  add('takes', lengthOf(plan));
  if (plan.position !== null) {
    add('position', plan.position);
    if (options.writes || options.serial) add('', restoreText(plan.position, source.server));
  }
  for (const warning of plan.warnings) add('warning', warning, true);
  lines.push('', ...accountingLines(plan, plan.statements, { errors: [], isPlanned: true }, view));
  return `${lines.join('\n')}\n`;
}

/** Why its name has to be typed; null where it need not be. */
function doubtText({ isSource, isRecorded }: PlannedReplay['target']): string | null {
  if (isSource) return 'it is the server that the record is from: its name has to be typed';
  return isRecorded ? 'a capture of this store recorded it: its name has to be typed' : null;
}

/**
 * How a copy of the data gets to where the record starts. Both were run, on MariaDB 10.11 and MySQL 9.7: the copy's
 * tables had the checksums of the original there.
 */
export function restoreText(position: string, server: ReplaySource['server']): string {
  const what =
    'For an exact replay the copy is at this position. Restore a backup from before, then:';
  return server?.flavor === 'mysql'
    ? `${what} mysqlbinlog --include-gtids=${shellQuoted(position)} BINLOGS | mysql`
    : `${what} mariadb-binlog --start-position=GTID_OF_THE_BACKUP --stop-position=${shellQuoted(position)} BINLOGS | mariadb`;
}

function partText({ from, to }: ReplayPlan, zone: string): string {
  if (from === null || to === null) return '';
  return `, ${localTime(Date.parse(from), zone)} to ${localTime(Date.parse(to), zone)} (${zone})`;
}

/** How long it takes by the schedule. */
function lengthOf({ length, sent }: ReplayPlan): string {
  if (sent === 0) return 'nothing: no record would be sent';
  return length === null ? 'as long as the target needs' : roundedDuration(length / 1_000);
}

/** What will be done, in a sentence. */
export function planSentence(plan: ReplayPlan, now: number, zone: string): string {
  const what = `${formatCount(plan.sent)} of ${counted(plan.records, 'record')} to send`;
  const sessions = `${counted(plan.sessions, 'session')}, ${formatCount(plan.sessionsAtOnce)} at once`;
  const { length } = plan;
  const end = length === null ? '' : `, over at ${localTime(now + length, zone).slice(11)}`;
  return `${what}, ${sessions}; takes ${lengthOf(plan)}${end}`;
}
