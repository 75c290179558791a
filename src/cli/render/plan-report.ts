import { LOG_COST, type Expectation } from '../../core/plan.ts';
import { hasFilter, RECORD_EVERYTHING } from '../../core/recording-options.ts';
import type { LogSettings, ServerInspection, ServerOutlook } from '../../core/server-log.ts';
import type { NewCapture } from '../../core/store.ts';
import { escapeText } from './escape.ts';
import { localTime } from './moments.ts';
import type { Paint, Tone } from './paint.ts';
import { laterWarnings, type PlanFacts } from './plan.ts';
import { formatBytes, formatCount, formatDuration } from './units.ts';
import { displayWidth } from './width.ts';

interface Line {
  readonly label: string;
  readonly text: string;
  readonly tone?: Tone;
}

const LABEL_WIDTH = 18;

/** The report for people; its last lines are the verdict. */
export function renderPlan(
  facts: PlanFacts,
  view: { width: number; zone: string },
  paint: Paint,
): string {
  const { planned, environment } = facts;
  const lines: string[] = [];
  const write = (part: readonly Line[]): void => {
    for (const line of part) lines.push(...drawn(line, view.width, paint));
  };
  const heading = (text: string): void => {
    lines.push('', ...wrapped(text, view.width).map((line) => paint('strong', line)));
  };
  const title = `Plan of ${planned.name} on ${environment}: nothing is stored or changed`;
  lines.push(...wrapped(escapeText(title), view.width).map((line) => paint('strong', line)));
  write([{ label: 'when', text: whenText(planned, view.zone) }]);
  if (!facts.isRecorded) {
    write([{ label: 'records', text: 'nothing: the environment has no server, or it is over' }]);
  }
  const { inspection, outlook, expectation } = facts;
  if (inspection !== null && outlook !== null) {
    heading('Server');
    write(serverLines(facts, inspection, outlook));
  }
  if (expectation !== null && outlook !== null) {
    heading(`To expect (by the last ${outlook.load.seconds.toFixed(1)} s)`);
    write(expectationLines(expectation, facts));
  }
  if (outlook !== null) {
    heading('To undo it by hand (captures recover does it)');
    for (const statement of outlook.undo) lines.push(...indented(`${statement};`, view.width));
  }
  lines.push('');
  for (const warning of [...laterWarnings(facts), ...facts.warnings]) {
    lines.push(...marked('warning: ', warning, 'busy', view.width, paint));
  }
  for (const { message, hint } of facts.refusals) {
    lines.push(...marked('refused: ', message, 'bad', view.width, paint));
    for (const line of hint?.split('\n') ?? []) lines.push(...indented(line, view.width));
  }
  const verdict =
    facts.refusals.length === 0
      ? paint('good', 'captures create would do it.')
      : paint('bad', 'captures create would refuse it.');
  return `${[...lines, verdict].join('\n')}\n`;
}

function whenText({ status, start, scheduledStart, duration }: NewCapture, zone: string): string {
  if (status === 'DONE') return 'over already: it is only registered';
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
  facts: PlanFacts,
  inspection: ServerInspection,
  { settingsWhileRecording }: ServerOutlook,
): Line[] {
  const { server, account, settings, privileges, lockHolder, deadManObstacle } = inspection;
  const { deadMan } = facts.planned.options ?? RECORD_EVERYTHING;
  const missing = privileges.filter(({ state }) => state !== 'present');
  const holder =
    lockHolder === null
      ? 'none at work'
      : `at work: ${lockHolder.user ?? 'unknown'} from ${lockHolder.host ?? 'unknown'}${facts.isHeldByUs ? ' (our own daemon)' : ''}`;
  return [
    {
      label: 'server',
      text: `${server.flavor} ${server.version} at ${server.hostname}:${server.port}, as ${account}`,
    },
    { label: 'log now', text: logText(settings) },
    { label: 'while recording', text: logText(settingsWhileRecording) },
    {
      label: 'privileges',
      text: `${privileges.length - missing.length} of ${privileges.length}`,
    },
    ...missing.flatMap(({ privilege, purpose, required, grant, state }): Line[] => [
      {
        label: '',
        text: `[${state}] ${privilege}: ${purpose}${required ? '' : ' (can do without)'}`,
        tone: required ? 'bad' : 'busy',
      },
      { label: '', text: `${grant};` },
    ]),
    { label: 'recorder', text: holder },
    { label: 'other captures', text: othersText(facts) },
    {
      label: 'dead-man switch',
      text:
        deadMan === null
          ? 'not asked for: without a recorder the log stays on'
          : deadManObstacle === null
            ? `the server ends its log ${formatDuration(deadMan)} after the recorder's last sign`
            : 'not possible, see below',
    },
  ];
}

function logText({ generalLog, logOutput, tableEngine }: LogSettings): string {
  return `general_log ${generalLog ? 'ON' : 'OFF'}, log_output ${logOutput}, table ${tableEngine ?? 'missing'}`;
}

function othersText({ others, hiddenOthers }: PlanFacts): string {
  const names = others.map(
    ({ environmentName, name, id, status }) => `${environmentName}/${name} (id ${id}, ${status})`,
  );
  if (hiddenOthers > 0) names.push(`${hiddenOthers} in environments of other people`);
  return names.length === 0 ? 'none in that time' : names.join(', ');
}

function expectationLines(expectation: Expectation, { planned, inspection }: PlanFacts): Line[] {
  const { statementsPerSecond, statementBytes, preparedShare } = expectation;
  const options = planned.options ?? RECORD_EVERYTHING;
  const cost = { label: 'cost', text: costText(statementsPerSecond, inspection?.settings ?? null) };
  if (statementBytes === null) {
    return [
      { label: 'statements', text: 'none came in that time: there is nothing to reckon with' },
      ...diskLines(expectation),
      cost,
    ];
  }
  const prepared =
    preparedShare < 0.1
      ? ''
      : `; ${Math.round(preparedShare * 100)} % of them execute what was prepared, and the log writes their text in full: sizes will be larger`;
  const source = expectation.isFromExperience
    ? 'as in earlier captures here'
    : 'as is usual; what is random compresses less';
  const filtered = hasFilter(options) ? '; less by what the filters leave out' : '';
  const deadMan =
    options.deadMan === null
      ? ''
      : ` (${formatBytes((expectation.logBytesPerHour * options.deadMan) / 3_600_000)} until the dead-man switch)`;
  const lines: Line[] = [
    {
      label: 'statements',
      text: `${formatCount(Math.round(statementsPerSecond))}/s, ${formatBytes(statementBytes)} each on average${prepared}`,
    },
    {
      label: "server's disk",
      text: `about ${formatBytes(expectation.logBytes)} at a time; ${formatBytes(expectation.logBytesPerHour)} an hour should the recorder be away${deadMan}`,
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
      text: `${formatBytes(options.maxSize)} are reached after about ${formatDuration(expectation.untilMaxSize)}${isFirst ? '' : ': its duration ends it before'}`,
    });
  }
  return [...lines, ...diskLines(expectation), cost];
}

function diskLines({ disk, minFree, diskLasts }: Expectation): Line[] {
  if (disk === null || minFree === null) return [];
  const state = `${formatBytes(disk.free)} of ${formatBytes(disk.size)} are free`;
  if (disk.free < minFree) {
    const text = `${state}, less than --min-free ${formatBytes(minFree)}: it would end at once`;
    return [{ label: 'disk here', text, tone: 'bad' }];
  }
  const lasts =
    diskLasts === null
      ? ''
      : `: enough for ${formatDuration(diskLasts)}, until --min-free ${formatBytes(minFree)}`;
  return [{ label: 'disk here', text: state + lasts }];
}

function costText(statementsPerSecond: number, settings: LogSettings | null): string {
  const { measuredOn, saturated, latency } = LOG_COST;
  const percent = (share: number): number => Math.round(share * 100);
  const rate = Math.round(statementsPerSecond);
  const place =
    rate <= latency.rate
      ? `${formatCount(rate)}/s now is below that`
      : `${formatCount(rate)}/s now is above that`;
  const isOnAlready = settings?.generalLog === true && settings.logOutput.includes('TABLE');
  if (isOnAlready) return 'little more: the log is written to a table already';
  return `a server with nothing to spare keeps ${percent(saturated.low)} to ${percent(saturated.high)} % of its statements/s (single-row reads to mixed transactions); one with room to spare answers later: ${latency.beforeMs} → ${latency.afterMs} ms at ${formatCount(latency.rate)}/s (measured on ${measuredOn}); ${place}`;
}

function drawn({ label, text, tone }: Line, width: number, paint: Paint): string[] {
  const room = Math.max(width - LABEL_WIDTH, 20);
  return wrapped(escapeText(text), room).map((part, index) => {
    const head = (index === 0 ? label : '').padEnd(LABEL_WIDTH - 2);
    return `  ${head}${tone === undefined ? part : paint(tone, part)}`;
  });
}

function indented(text: string, width: number): string[] {
  return wrapped(escapeText(text), Math.max(width - 2, 20)).map((line) => `  ${line}`);
}

function marked(mark: string, text: string, tone: Tone, width: number, paint: Paint): string[] {
  return wrapped(`${mark}${escapeText(text)}`, width).map((line) => paint(tone, line));
}

/** Lines of at most `width` columns, broken at spaces; a longer word stays whole. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && displayWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}
