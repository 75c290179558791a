import type { RecoveredServer } from '../../core/recovery/recovery-service.ts';
import type { ServerSettings } from '../../core/source.ts';
import type { JsonObject, Noun } from './column.ts';
import { formatCount } from '../../core/units.ts';

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
