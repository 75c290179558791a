import { hintText } from '../output/hint-texts.ts';
import type { AppError } from '../../core/errors.ts';
import type {
  Leftovers,
  PrivilegeNeed,
  ServerInspection,
} from '../../core/environments/server-inspection.ts';
import { jsonFields, type Noun } from './column.ts';
import { escapeText } from '../../display/escape.ts';
import { shellQuoted } from './shell-quoting.ts';
import { RECORD_EVERYTHING } from '../../core/captures/recording-options.ts';
import type { CheckedServer } from '../../core/environments/environment-service.ts';
import { warningsOf } from '../../core/environments/readiness.ts';
import type { Paint } from './paint.ts';
import { newSessionsText, outlookJson } from './values-text.ts';
import { counted, formatDuration } from '../../core/units.ts';
import {
  isIncluded,
  lockHolderJson,
  lockHolderText,
  privilegesJson,
  serverJson,
  serverText,
} from './servers.ts';
import { hanging, wrapMessage } from './messages.ts';

/** Why no capture could start; null when one could. */
function refusalOf({ refusal, logOff }: CheckedServer): AppError | null {
  return refusal ?? logOff;
}

/** What a recorder left on the server; null while one is running there. */
function leftBehind({ lockHolder, leftovers }: ServerInspection): Leftovers | null {
  return lockHolder === null ? leftovers : null;
}

const SCHEMA_WORDS: Record<ServerInspection['schema']['state'], string> = {
  none: 'none yet: the recorder creates it',
  ours: 'ours',
  'other-store': "another store's recorder made it",
  'from-dump':
    'came with a dump of a server that was being recorded; to remove it: DROP DATABASE captures',
  foreign: 'not made by a recorder',
};
export const LOG_TABLE_WORDS: Record<ServerInspection['logTable'], string> = {
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
  // The commands to run if only the owner can switch the log on.
  const instructions = hintText(checked.logOff?.hint ?? null)?.split('\n') ?? [];
  const { server, settings } = inspection;
  const onOff = (isOn: unknown): string => (isOn === true ? 'ON' : 'OFF');
  const holder = lockHolderText(inspection, checked.isHeldByUs);
  const fact = (label: string, text: string): string =>
    hanging(label.padEnd(14), text, width).join('\n');
  const lines: string[] = [
    fact('server', serverText(server, inspection.place)),
    fact('account', inspection.account),
    fact(
      'log settings',
      `general_log ${onOff(settings['generalLog'])}, log_output ${String(settings['logOutput'])}, slow log ${onOff(settings['slowLog'])}, log table ${settings['tableEngine'] ?? LOG_TABLE_WORDS[inspection.logTable]}${inspection.logSwitch === 'recorder' ? '' : '; set only by its parameter group'}`,
    ),
    ...recorderTableLines(inspection).map((text) => fact('record table', text)),
    fact('values', newSessionsText(inspection, name)),
    fact('recorder', holder === null ? 'free' : `held by ${holder}`),
    fact('schema', SCHEMA_WORDS[inspection.schema.state]),
    ...leftoverLines(inspection, name, width, paint),
    'privileges',
    ...inspection.privileges
      .filter((need) => !isIncluded(need, inspection))
      .flatMap((need) => privilegeLines(need, width, paint)),
    ...warningsOf(inspection, RECORD_EVERYTHING).flatMap((warning) =>
      hanging('warning: ', warning, width).map((line) => paint('busy', line)),
    ),
    ...inspection.obstacles.flatMap(({ what, hint }) => [
      ...hanging('obstacle: ', what, width).map((line) => paint('bad', line)),
      ...(hint === null ? [] : hanging(' '.repeat(10), hintText(hint) ?? '', width)),
    ]),
    ...instructions.map((text) => wrapMessage(escapeText(text), width)),
    conclusion(name, refusalOf(checked), width, paint),
  ];
  return `${lines.join('\n')}\n`;
}

function recorderTableLines({ recorderTable }: ServerInspection): string[] {
  return recorderTable === null ? [] : [`${recorderTable.engine}: ${recorderTable.why}`];
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
  const rows = statements === null ? '' : `, ${counted(statements, 'statement')} logged`;
  const goesOn = inspection.schema.state === 'ours' ? 'The daemon will resume it; to end it: ' : '';
  const by = `by the recorder ${recorder ?? '(unknown)'}${since}${rows}`;
  return [
    ...hanging('left behind'.padEnd(14), by, width).map((line) => paint('busy', line)),
    ...hanging(' '.repeat(14), `${goesOn}captures recover ${shellQuoted(environment)}`, width),
  ];
}

function privilegeLines(need: PrivilegeNeed, width: number, paint: Paint): string[] {
  const mark = STATE_MARKS[need.state].padEnd(10);
  const tone = need.state === 'present' ? 'good' : need.required ? 'bad' : 'busy';
  const optional = need.required ? '' : ' (optional)';
  const text = `${need.privilege}: ${need.purpose}${optional}`;
  const lines = hanging(`  ${mark}`, text, width, { label: (label) => paint(tone, label) });
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

/** For scripts; a terminal shows `renderInspection`. */
export const inspectionNoun: Noun<CheckedServer> = {
  ...jsonFields<CheckedServer>({
    environment: ({ environment }) => environment.name,
    ready: (checked) => refusalOf(checked) === null,
    server: ({ inspection }) => serverJson(inspection.server),
    account: ({ inspection }) => inspection.account,
    settings: ({ inspection }) => ({ ...inspection.settings }),
    logSwitch: ({ inspection: { logSwitch } }) =>
      logSwitch === 'owner' ? 'parameter-group' : 'recorder',
    recorderTable: ({ inspection: { recorderTable } }) =>
      recorderTable === null ? null : { ...recorderTable },
    privileges: ({ inspection }) => privilegesJson(inspection),
    lockHolder: ({ inspection, isHeldByUs }) => lockHolderJson(inspection, isHeldByUs),
    schema: ({ inspection: { schema } }) => ({ state: schema.state, storeId: schema.storeId }),
    logTable: ({ inspection }) => inspection.logTable,
    obstacles: ({ inspection }) =>
      inspection.obstacles.map(({ what, hint }) => ({ what, hint: hintText(hint) })),
    leftovers: ({ inspection }) => {
      const leftovers = leftBehind(inspection);
      if (leftovers === null) return null;
      const { storeId, recorder, lastSign, tables, statements } = leftovers;
      return { storeId, recorder, lastSign, tables: [...tables], statements };
    },
    deadManObstacle: ({ inspection }) => inspection.deadManObstacle,
    values: ({ inspection, coverage }) => outlookJson(inspection.values, coverage),
    warnings: ({ inspection }) => [...inspection.warnings],
  }),
  reference: ({ environment }) => environment.name,
  none: 'Nothing was checked.',
};
