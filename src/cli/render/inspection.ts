import { hintText } from '../output/hints.ts';
import type { AppError } from '../../core/errors.ts';
import type {
  Leftovers,
  PrivilegeNeed,
  ServerInspection,
} from '../../core/environments/server-inspection.ts';
import { type JsonObject, type Noun } from './column.ts';
import { escapeText } from './escape.ts';
import { shellQuoted } from './shell-quoting.ts';
import { RECORD_EVERYTHING } from '../../core/captures/recording-options.ts';
import type { CheckedServer } from '../../core/environments/environment-service.ts';
import { warningsOf } from '../../core/environments/readiness.ts';
import type { Paint } from './paint.ts';
import { newSessionsText, outlookJson } from './values-outlook.ts';
import { formatCount, formatDuration } from '../../core/units.ts';
import { messageLines, wrapMessage } from './messages.ts';

function inspectionJson(checked: CheckedServer): JsonObject {
  const { inspection } = checked;
  const { server, settings, lockHolder, schema } = inspection;
  return {
    environment: checked.environment.name,
    ready: refusalOf(checked) === null,
    server: {
      flavor: server.flavor,
      version: server.version,
      hostname: server.hostname,
      port: server.port,
      uuid: server.uuid,
    },
    account: inspection.account,
    settings: { ...settings },
    logSwitch: inspection.logSwitch === 'owner' ? 'parameter-group' : 'recorder',
    recorderTable: inspection.recorderTable === null ? null : { ...inspection.recorderTable },
    privileges: inspection.privileges.map(({ privilege, purpose, state, required, grant }) => ({
      privilege,
      purpose,
      state,
      required,
      grant,
    })),
    lockHolder:
      lockHolder === null
        ? null
        : {
            connectionId: lockHolder.connectionId,
            user: lockHolder.user,
            host: lockHolder.host,
            ours: checked.isHeldByUs,
          },
    schema: { state: schema.state, storeId: schema.storeId },
    logTable: inspection.logTable,
    obstacles: inspection.obstacles.map(({ what, hint }) => ({ what, hint: hintText(hint) })),
    leftovers: leftoversJson(leftBehind(inspection)),
    deadManObstacle: inspection.deadManObstacle,
    values: outlookJson(inspection.values, checked.coverage),
    warnings: [...inspection.warnings],
  };
}

/** Why no capture could start; null when one could. */
function refusalOf({ refusal, logOff }: CheckedServer): AppError | null {
  return refusal ?? logOff;
}

/** What a recorder has on the server, when none is at work there. */
function leftBehind({ lockHolder, leftovers }: ServerInspection): Leftovers | null {
  return lockHolder === null ? leftovers : null;
}

function leftoversJson(leftovers: Leftovers | null): JsonObject | null {
  if (leftovers === null) return null;
  const { storeId, recorder, lastSign, tables, statements } = leftovers;
  return { storeId, recorder, lastSign, tables: [...tables], statements };
}

const SCHEMA_WORDS: Record<ServerInspection['schema']['state'], string> = {
  none: 'none yet: the recorder creates it',
  ours: 'ours',
  'other-store': "another store's recorder made it",
  'from-dump':
    'came with a dump of a server that was being recorded; to remove it: DROP DATABASE captures',
  foreign: 'not made by a recorder',
};
const LOG_TABLE_WORDS: Record<ServerInspection['logTable'], string> = {
  there: 'of an unknown engine',
  missing: 'missing',
  hidden: 'not visible to this account',
};
const STATE_MARKS: Record<PrivilegeNeed['state'], string> = {
  present: '[ok]',
  missing: '[missing]',
  unknown: '[unknown]',
};

/** The report for a terminal of `width` columns; its last line says whether a capture could start. */
export function renderInspection(checked: CheckedServer, width: number, paint: Paint): string {
  const { inspection } = checked;
  const { name } = checked.environment;
  // What to run where only the owner can switch the log on, line by line.
  const instructions = hintText(checked.logOff?.hint ?? null)?.split('\n') ?? [];
  const { server, settings, lockHolder } = inspection;
  const onOff = (isOn: unknown): string => (isOn === true ? 'ON' : 'OFF');
  const holder =
    lockHolder === null
      ? 'free'
      : `held by ${lockHolder.user ?? 'unknown'} from ${lockHolder.host ?? 'unknown'}${checked.isHeldByUs ? ' (our own daemon)' : ''}`;
  const fact = (label: string, text: string): string =>
    hanging(label.padEnd(13), text, width).join('\n');
  const lines: string[] = [
    fact('server', `${server.flavor} ${server.version} on ${server.hostname}:${server.port}`),
    fact('account', inspection.account),
    fact(
      'log settings',
      `general_log ${onOff(settings['generalLog'])}, log_output ${String(settings['logOutput'])}, slow log ${onOff(settings['slowLog'])}, log table ${settings['tableEngine'] ?? LOG_TABLE_WORDS[inspection.logTable]}${inspection.logSwitch === 'recorder' ? '' : '; set only by its parameter group'}`,
    ),
    ...recorderTableLines(inspection).map((text) => fact('record table', text)),
    fact('values', newSessionsText(inspection, name)),
    fact('recorder', holder),
    fact('schema', SCHEMA_WORDS[inspection.schema.state]),
    ...leftoverLines(inspection, name, width, paint),
    'privileges',
    ...inspection.privileges.flatMap((need) => privilegeLines(need, width, paint)),
    ...warningsOf(inspection, RECORD_EVERYTHING).flatMap((warning) =>
      hanging('warning:', warning, width).map((line) => paint('busy', line)),
    ),
    ...inspection.obstacles.flatMap(({ what, hint }) => [
      ...hanging('obstacle:', what, width).map((line) => paint('bad', line)),
      ...(hint === null ? [] : hanging(' '.repeat(9), hintText(hint) ?? '', width)),
    ]),
    ...instructions.map((text) => wrapMessage(escapeText(text), width)),
    conclusion(name, refusalOf(checked), width, paint),
  ];
  return `${lines.join('\n')}\n`;
}

/** The engine of the recorder's log table and why; nothing where it makes none. */
function recorderTableLines({ recorderTable }: ServerInspection): string[] {
  return recorderTable === null ? [] : [`${recorderTable.engine}: ${recorderTable.why}`];
}

/** A label and a text in as many lines as it needs, one below the other. */
function hanging(label: string, text: string, width: number): string[] {
  const room = Math.max(width - label.length - 1, 20);
  return messageLines(escapeText(text), room).map(
    (line, index) => `${index === 0 ? label : ' '.repeat(label.length)} ${line}`,
  );
}

function leftoverLines(
  inspection: ServerInspection,
  environment: string,
  width: number,
  paint: Paint,
): string[] {
  const leftovers = leftBehind(inspection);
  if (leftovers === null) return [];
  const { recorder, silentMs, statements } = leftovers;
  const since = silentMs === null ? '' : `, silent for ${formatDuration(silentMs)}`;
  const rows = statements === null ? '' : `, ${formatCount(statements)} statements logged`;
  const goesOn = inspection.schema.state === 'ours' ? 'The daemon will resume it; to end it: ' : '';
  const by = `by the recorder ${recorder ?? '(unknown)'}${since}${rows}`;
  return [
    ...hanging('left behind'.padEnd(13), by, width).map((line) => paint('busy', line)),
    ...hanging(' '.repeat(13), `${goesOn}captures recover ${shellQuoted(environment)}`, width),
  ];
}

function privilegeLines(need: PrivilegeNeed, width: number, paint: Paint): string[] {
  const mark = STATE_MARKS[need.state].padEnd(9);
  const tone = need.state === 'present' ? 'good' : need.required ? 'bad' : 'busy';
  const optional = need.required ? '' : ' (optional)';
  const lines = hanging(`  ${mark}`, `${need.privilege}: ${need.purpose}${optional}`, width).map(
    (line, index) => (index === 0 ? line.replace(mark, () => paint(tone, mark)) : line),
  );
  if (need.state === 'present') return lines;
  return [...lines, `${' '.repeat(12)}${escapeText(need.grant)};`];
}

function conclusion(
  environment: string,
  refusal: AppError | null,
  width: number,
  paint: Paint,
): string {
  const [tone, text] =
    refusal === null
      ? (['good', `A capture of ${environment} could start now.`] as const)
      : (['bad', `No capture can start: ${refusal.message}.`] as const);
  return paint(tone, wrapMessage(escapeText(text), width));
}

const FIELDS = [
  'environment',
  'ready',
  'server',
  'account',
  'settings',
  'logSwitch',
  'recorderTable',
  'privileges',
  'lockHolder',
  'schema',
  'logTable',
  'obstacles',
  'leftovers',
  'deadManObstacle',
  'values',
  'warnings',
] as const;

/** For scripts; a terminal shows `renderInspection`. */
export const inspectionNoun: Noun<CheckedServer> = {
  fields: FIELDS,
  toJson: inspectionJson,
  reference: ({ environment }) => environment.name,
  none: 'Nothing was checked.',
};
