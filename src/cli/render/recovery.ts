import type { ServerSettings } from '../../core/source.ts';
import type { JsonObject, Noun } from './column.ts';
import { formatCount } from './units.ts';

/** What came of giving one server back. */
export interface RecoveredServer {
  readonly environment: string;
  /** `host:port`, as the server calls itself. */
  readonly server: string;
  /** False: there was nothing to give back. */
  readonly recovered: boolean;
  /** Ids of the captures that came to their end by it. */
  readonly endedCaptures: readonly number[];
  /** What its log is set to; null when nothing was changed. */
  readonly settings: ServerSettings | null;
  /** Statements of a lost recorder that were written to a folder. */
  readonly savedStatements: number;
  /** The folder of that workload; null for none. */
  readonly savedTo: string | null;
  /** Rows that went to the log table of the server's owner; null where they could not be counted. */
  readonly returnedStatements: number | null;
  /** Rows of a lost recorder's log that are nowhere any more; null where they could not be counted. */
  readonly droppedStatements: number | null;
  readonly warnings: readonly string[];
}

function recoveredJson(row: RecoveredServer): JsonObject {
  const { settings } = row;
  return {
    environment: row.environment,
    server: row.server,
    recovered: row.recovered,
    endedCaptures: [...row.endedCaptures],
    settings: settings === null ? null : { ...settings },
    savedStatements: row.savedStatements,
    savedTo: row.savedTo,
    returnedStatements: row.returnedStatements,
    droppedStatements: row.droppedStatements,
    warnings: [...row.warnings],
  };
}

/** `general_log OFF, log_output FILE, log table CSV`. */
export function settingsText({ generalLog, logOutput, tableEngine }: ServerSettings): string {
  return `general_log ${generalLog === true ? 'ON' : 'OFF'}, log_output ${String(logOutput)}, log table ${String(tableEngine ?? 'missing')}`;
}

const count = (value: number | null): string => (value === null ? 'unknown' : formatCount(value));

const COLUMNS: Noun<RecoveredServer>['columns'] = [
  {
    field: 'environment',
    header: 'ENVIRONMENT',
    shrinks: true,
    cell: ({ environment }) => environment,
  },
  { field: 'server', header: 'SERVER', cell: ({ server }) => server },
  {
    field: 'recovered',
    header: 'RECOVERED',
    cell: ({ recovered }) => (recovered ? 'yes' : 'no need'),
    tone: ({ recovered }) => (recovered ? 'good' : null),
  },
  {
    field: 'endedCaptures',
    header: 'CAPTURES ENDED',
    cell: ({ endedCaptures }) => (endedCaptures.length === 0 ? 'none' : endedCaptures.join(', ')),
  },
  {
    field: 'settings',
    header: 'LOG NOW',
    cell: ({ settings }) =>
      settings === null
        ? 'as it was'
        : `${settings['generalLog'] === true ? 'ON' : 'OFF'}, ${String(settings['logOutput'])}`,
  },
  {
    field: 'droppedStatements',
    header: 'DROPPED',
    align: 'right',
    cell: ({ droppedStatements }) => count(droppedStatements),
  },
  {
    field: 'savedStatements',
    header: 'SAVED',
    align: 'right',
    cell: ({ savedStatements }) => count(savedStatements),
  },
];

export const recoveryNoun: Noun<RecoveredServer> = {
  fields: [
    'environment',
    'server',
    'recovered',
    'endedCaptures',
    'settings',
    'savedStatements',
    'savedTo',
    'returnedStatements',
    'droppedStatements',
    'warnings',
  ],
  toJson: recoveredJson,
  columns: COLUMNS,
  reference: ({ environment }) => environment,
  none: 'No server needs restoring.',
};
