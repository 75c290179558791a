import { hintText } from '../output/hint-texts.ts';
import type { CapturePlan } from '../../core/captures/capture-plan.ts';
import type { Expectation } from '../../core/captures/expectation.ts';
import { hasFilter } from '../../core/captures/recording-options.ts';
import type { Readiness } from '../../core/environments/readiness.ts';
import type {
  KeptShares,
  ServerInspection,
  ServerOutlook,
} from '../../core/environments/server-inspection.ts';
import type { PlannedCapture } from '../../core/captures/capture-review.ts';
import { listed } from './column.ts';
import { escapeText } from '../../display/escape.ts';
import { localTime } from './moments.ts';
import type { Paint, Tone } from './paint.ts';
import { fullName } from './full-name.ts';
import { settingsText } from './recovered-servers.ts';
import { laterWarnings } from './plan-json.ts';
import { formatBytes, formatCount, formatDuration } from '../../core/units.ts';
import { LOG_TABLE_WORDS } from './inspected-server.ts';
import { isIncluded, lockHolderText, serverText } from './servers.ts';
import { endedText, sessionsText, slowLogText } from './values-text.ts';
import { hanging, messageLines } from './messages.ts';

interface Line {
  readonly label: string;
  readonly text: string;
  readonly tone?: Tone;
}

const LABEL_WIDTH = 18;
const LONG_MS = 365 * 86_400_000;

/** The report for a terminal; its last lines say whether `create` would succeed. */
export function renderPlan(
  plan: CapturePlan,
  view: { width: number; zone: string },
  paint: Paint,
): string {
  const { planned, environment } = plan;
  const lines: string[] = [];
  const write = (part: readonly Line[]): void => {
    for (const line of part) lines.push(...drawn(line, view.width, paint));
  };
  const heading = (text: string): void => {
    lines.push('', ...messageLines(text, view.width).map((line) => paint('strong', line)));
  };
  const title = `Plan of ${planned.name} on ${environment}: nothing is stored or changed`;
  lines.push(...messageLines(escapeText(title), view.width).map((line) => paint('strong', line)));
  write([{ label: 'when', text: whenText(planned, view.zone) }]);
  if (!plan.isRecorded) {
    write([{ label: 'records', text: 'no statements: no server, or the capture is already over' }]);
  }
  const { readiness, outlook, expectation } = plan;
  if (readiness !== null && outlook !== null) {
    heading('Server');
    write(serverLines(plan, readiness, outlook));
  }
  if (expectation !== null && outlook !== null) {
    heading(`Forecast, from the last ${outlook.load.seconds.toFixed(1)} s`);
    write(expectationLines(expectation, plan));
    write(valuesLines(expectation, outlook, plan));
    write(costLines(expectation.statementsPerSecond, outlook, readiness));
  }
  if (plan.undo.length > 0) {
    heading('SQL to restore the server by hand (captures recover does the same)');
    for (const statement of plan.undo) lines.push(...hanging('  ', `${statement};`, view.width));
  }
  lines.push('');
  for (const warning of [...laterWarnings(plan), ...plan.warnings]) {
    lines.push(...marked('warning: ', warning, 'busy', view.width, paint));
  }
  for (const { message, hint } of plan.refusals) {
    lines.push(...marked('refused: ', message, 'bad', view.width, paint));
    for (const line of hintText(hint)?.split('\n') ?? [])
      lines.push(...hanging('  ', line, view.width));
  }
  const [tone, conclusion]: [Tone, string] =
    plan.refusals.length > 0
      ? ['bad', 'captures create would refuse this.']
      : endsAtOnce(plan.expectation)
        ? [
            'busy',
            'captures create would succeed, and the capture end at once: too little free disk.',
          ]
        : ['good', 'captures create would succeed.'];
  lines.push(...messageLines(conclusion, view.width).map((line) => paint(tone, line)));
  return `${lines.join('\n')}\n`;
}

function whenText(
  { status, start, scheduledStart, duration }: PlannedCapture,
  zone: string,
): string {
  if (status === 'DONE') return 'already over: only registered';
  const begin =
    scheduledStart !== null
      ? localTime(scheduledStart, zone)
      : start === null
        ? 'now'
        : localTime(start, zone);
  return duration === null
    ? `${begin}, until it is stopped`
    : `${begin}, for ${formatDuration(duration)}`;
}

function serverLines(
  plan: CapturePlan,
  { inspection, isHeldByUs }: Readiness,
  { settingsWhileRecording }: ServerOutlook,
): Line[] {
  const { server, account, settings, logTable, privileges, deadManObstacle, recorderTable } =
    inspection;
  const { deadMan } = plan.planned.options;
  const missing = privileges.filter(
    (need) => need.state !== 'present' && !isIncluded(need, inspection),
  );
  const holder = lockHolderText(inspection, isHeldByUs);
  return [
    { label: 'server', text: `${serverText(server, inspection.place)}, as ${account}` },
    { label: 'log now', text: settingsText(settings, LOG_TABLE_WORDS[logTable]) },
    { label: 'while recording', text: settingsText(settingsWhileRecording) },
    ...(recorderTable === null
      ? []
      : [{ label: 'its table', text: `${recorderTable.engine}: ${recorderTable.why}` }]),
    {
      label: 'privileges',
      text: [true, false].map((required) => privilegeCount(privileges, required)).join(', '),
    },
    ...missing.flatMap(({ privilege, purpose, required, grant, state }): Line[] => [
      {
        label: '',
        text: `[${state}] ${privilege}: ${purpose}${required ? '' : ' (optional)'}`,
        tone: required ? 'bad' : 'busy',
      },
      { label: '', text: `${grant};` },
    ]),
    { label: 'recorder', text: holder === null ? 'none is running' : `running: ${holder}` },
    { label: 'other captures', text: othersText(plan) },
    {
      label: 'dead-man switch',
      text:
        deadMan === null
          ? 'off: if the recorder dies, the log stays on'
          : deadManObstacle === null
            ? `the server switches its log off ${formatDuration(deadMan)} after the recorder's last sign`
            : 'not possible, see below',
    },
  ];
}

/** `3 of 3 required`. */
function privilegeCount(privileges: ServerInspection['privileges'], required: boolean): string {
  const all = privileges.filter((need) => need.required === required);
  const present = all.filter(({ state }) => state === 'present').length;
  return `${present} of ${all.length} ${required ? 'required' : 'optional'}`;
}

function othersText({ others, hiddenOthers }: CapturePlan): string {
  const names = others.map(
    (capture) => `${fullName(capture)} (id ${capture.id}, ${capture.status})`,
  );
  if (hiddenOthers > 0) names.push(`${hiddenOthers} in environments you are not a member of`);
  return listed(names, 'none in that time');
}

function expectationLines(expectation: Expectation, { planned, readiness }: CapturePlan): Line[] {
  const { statementsPerSecond, statementBytes, preparedShare } = expectation;
  const options = planned.options;
  if (statementBytes === null) {
    return [
      { label: 'statements', text: 'none in that time, so sizes cannot be forecast' },
      ...diskLines(expectation),
    ];
  }
  const prepared =
    preparedShare < 0.1
      ? ''
      : `; ${Math.round(preparedShare * 100)} % execute a prepared statement, whose text is in the log though not on the wire: expect larger sizes`;
  const source = expectation.isFromExperience
    ? 'as in earlier captures here'
    : 'as usual; random data compresses less';
  const filtered = hasFilter(options) ? '; filters, which the forecast ignores, make it less' : '';
  const deadMan =
    options.deadMan === null || readiness?.inspection.deadManObstacle != null
      ? ''
      : ` (${formatBytes((expectation.logBytesPerHour * options.deadMan) / 3_600_000)} until the dead-man switch acts)`;
  const lines: Line[] = [
    {
      label: 'statements',
      text: `${formatCount(Math.round(statementsPerSecond))}/s, ${formatBytes(statementBytes)} each on average${prepared}`,
    },
    {
      label: "server's disk",
      text: `about ${formatBytes(expectation.logBytes)} at a time; without a recorder it grows by ${formatBytes(expectation.logBytesPerHour)} an hour${deadMan}`,
    },
    {
      label: 'files here',
      text: `about ${formatBytes(expectation.fileBytesPerHour)} an hour (compressed 1:${Math.round(expectation.ratio * 10) / 10}, ${source})${filtered}`,
    },
  ];
  if (expectation.fileBytes !== null && planned.duration !== null) {
    lines.push({
      label: '--duration',
      text: `about ${formatBytes(expectation.fileBytes)} in ${formatDuration(planned.duration)}`,
    });
  }
  if (options.maxSize !== null && expectation.untilMaxSize !== null) {
    const isFirst = planned.duration === null || expectation.untilMaxSize < planned.duration;
    lines.push({
      label: '--max-size',
      text: `${formatBytes(options.maxSize)} reached after about ${formatDuration(expectation.untilMaxSize)}${isFirst ? '' : '; --duration ends it first'}`,
    });
  }
  return [...lines, ...diskLines(expectation)];
}

/** Whether the disk is so full that the capture's guard ends it. */
function endsAtOnce(expectation: Pick<Expectation, 'disk' | 'minFree'> | null): boolean {
  const { disk = null, minFree = null } = expectation ?? {};
  return disk !== null && minFree !== null && disk.free < minFree;
}

function diskLines({ disk, minFree, diskLasts }: Expectation): Line[] {
  if (disk === null || minFree === null) return [];
  const state = `${formatBytes(disk.free)} of ${formatBytes(disk.size)} free`;
  if (endsAtOnce({ disk, minFree })) {
    const text = `${state}, less than --min-free ${formatBytes(minFree)}: the capture would end at once`;
    return [{ label: 'disk here', text, tone: 'bad' }];
  }
  const lasts =
    diskLasts === null
      ? ''
      : `: enough for ${diskLasts > LONG_MS ? 'over a year' : formatDuration(diskLasts)}, down to --min-free ${formatBytes(minFree)}`;
  return [{ label: 'disk here', text: state + lasts }];
}

const percent = (share: number): number => Math.round(share * 100);

function valuesLines(
  { statementBytes, preparedShare }: Expectation,
  { prepared }: ServerOutlook,
  plan: CapturePlan,
): Line[] {
  if (prepared.values === 'always') {
    const text = 'recorded for every prepared statement, whenever it was prepared';
    return [{ label: 'values', text }];
  }
  const { readiness, planned } = plan;
  const isLogged = readiness?.inspection.settings['generalLog'] === true;
  const since = isLogged ? 'before the log was switched on' : 'before the start';
  const parts: string[] = [];
  if (prepared.statements !== null) {
    parts.push(`prepared statements: ${formatCount(prepared.statements)}`);
  }
  if (prepared.sessions !== null) parts.push(`open sessions: ${formatCount(prepared.sessions)}`);
  if (statementBytes !== null) {
    parts.push(`share of statements that execute a prepared one: ${percent(preparedShare)} %`);
  }
  const now = parts.length === 0 ? '' : `. Now: ${parts.join('; ')}`;
  const isCovered =
    readiness !== null && readiness.coverage.covered === readiness.coverage.sessions;
  const isLikely = prepared.statements !== 0 && preparedShare >= 0.01 && !isCovered;
  const lines: Line[] = [
    {
      label: 'values',
      text: `statements prepared ${since} are recorded with ? in place of their values, which makes them unreplayable, until a session prepares them again${now}`,
      ...(isLikely ? { tone: 'busy' as const } : {}),
    },
  ];
  if (readiness !== null) {
    const { inspection, coverage } = readiness;
    lines.push({ label: 'sessions now', text: sessionsText(inspection, coverage) });
    if (statementBytes !== null && coverage.sessions > 0 && preparedShare > 0) {
      const share = coverage.covered / coverage.sessions;
      lines.push({
        label: '',
        text: `if it started now: values for about ${percent(share)} % of executes, assuming all sessions execute alike`,
      });
    }
    lines.push(...remedyLines(plan, inspection));
    if (isLikely && !hasRemedy(planned)) {
      lines.push({ label: 'what helps', text: remediesText(inspection) });
    }
  }
  return lines;
}

function hasRemedy({ options }: PlannedCapture): boolean {
  const { warmUp, recycleUsers } = options;
  return warmUp !== null || recycleUsers !== null;
}

function remediesText({ logSwitch }: ServerInspection): string {
  return logSwitch === 'recorder'
    ? '--at LATER --warm-up 1h, or --recycle-sessions: captures help values'
    : 'a restart of the connection pools while the log is on: captures help values';
}

function remedyLines(
  { planned, sessionsToEnd }: CapturePlan,
  inspection: ServerInspection,
): Line[] {
  const { warmUp, recycleUsers } = planned.options;
  const lines: Line[] = [];
  if (warmUp !== null) {
    const { ownersLog, slowLog } = inspection.values;
    const text =
      ownersLog === null
        ? `slow_query_log is switched on ${formatDuration(warmUp)} before the start, and off again at it: sessions that come in that time are covered; ${slowLogText(slowLog)}`
        : `not needed: the ${ownersLog.replace('_', ' ')} is already on; nothing changes`;
    lines.push({ label: 'warm-up', text });
  }
  if (recycleUsers !== null) {
    const whose = recycleUsers.length === 0 ? '' : ` of ${recycleUsers.join(', ')}`;
    lines.push({
      label: 'recycling',
      text: `after the start, idle sessions${whose} from before are ended if they have no open transaction and no lock, at most four a second; now ${endedText(sessionsToEnd, recycleUsers)}. An application sees one error on a stale connection, unless its pool checks or retries`,
    });
    const missing = inspection.recycling.filter(({ state }) => state === 'missing');
    for (const { privilege, grant } of missing) {
      lines.push({ label: '', text: `[missing] ${privilege}: ${grant};`, tone: 'bad' });
    }
  }
  return lines;
}

function costLines(
  statementsPerSecond: number,
  { cost }: ServerOutlook,
  readiness: Readiness | null,
): Line[] {
  const settings = readiness?.inspection.settings ?? null;
  if (settings?.['generalLog'] === true && String(settings['logOutput']).includes('TABLE')) {
    return [{ label: 'cost', text: 'little more: the server already writes its log to a table' }];
  }
  const { measuredOn, isThisRelease, saturated, latency, note } = cost;
  const rate = `${formatCount(Math.round(statementsPerSecond))}/s now`;
  const slower =
    latency === null
      ? `with CPU to spare, latency rises; no figure for this log table (${rate})`
      : `with CPU to spare, latency rises: ${latency.beforeMs} → ${latency.afterMs} ms at ${formatCount(latency.rate)}/s (${rate})`;
  const other = isThisRelease ? '' : ', not on this release';
  const texts = [
    'with no CPU to spare, the share of statements/s that is left:',
    ...saturated.map(sharesText),
    slower,
    ...(note === null ? [] : [note]),
    `measured on ${measuredOn}${other}`,
  ];
  return texts.map((text, index) => ({ label: index === 0 ? 'cost' : '', text }));
}

function sharesText({ load, ownLog, log, recording }: KeptShares): string {
  const kept = recording === null ? 'not measured' : `${percent(recording)} %`;
  return `- ${load}: recording ${kept}; that log without the recorder ${percent(log)} %, the server's own CSV table ${percent(ownLog)} %`;
}

function drawn({ label, text, tone }: Line, width: number, paint: Paint): string[] {
  const shown = tone === undefined ? {} : { text: (part: string) => paint(tone, part) };
  return hanging(`  ${label}`.padEnd(LABEL_WIDTH), text, width, shown);
}

function marked(mark: string, text: string, tone: Tone, width: number, paint: Paint): string[] {
  return messageLines(`${mark}${escapeText(text)}`, width).map((line) => paint(tone, line));
}
