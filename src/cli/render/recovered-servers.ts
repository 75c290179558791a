import type { RecoveredServer } from '../../core/recovery/recovery-service.ts';
import type { ServerSettings } from '../../core/source.ts';
import { column, jsonFields, listed, type Noun } from './column.ts';
import { formatCount } from '../../core/units.ts';

/**
 * `general_log OFF, log_output FILE, log table CSV`.
 * @param withoutEngine what is said of a log table whose engine is not known.
 */
export function settingsText(
  { generalLog, logOutput, tableEngine }: ServerSettings,
  withoutEngine = 'missing',
): string {
  return `general_log ${generalLog === true ? 'ON' : 'OFF'}, log_output ${String(logOutput)}, log table ${String(tableEngine ?? withoutEngine)}`;
}

const count = (value: number | null): string => (value === null ? 'unknown' : formatCount(value));

export const recoveryNoun: Noun<RecoveredServer> = {
  ...jsonFields<RecoveredServer>({
    environment: ({ environment }) => environment,
    server: ({ server }) => server,
    recovered: ({ recovered }) => recovered,
    endedCaptures: ({ endedCaptures }) => [...endedCaptures],
    settings: ({ settings }) => (settings === null ? null : { ...settings }),
    savedStatements: ({ savedStatements }) => savedStatements,
    savedTo: ({ savedTo }) => savedTo,
    returnedStatements: ({ returnedStatements }) => returnedStatements,
    droppedStatements: ({ droppedStatements }) => droppedStatements,
    warnings: ({ warnings }) => [...warnings],
  }),
  columns: [
    column('environment', 'ENVIRONMENT', ({ environment }) => environment, { shrinks: true }),
    column('server', 'SERVER', ({ server }) => server),
    column('recovered', 'RECOVERED', ({ recovered }) => (recovered ? 'yes' : 'no need'), {
      tone: ({ recovered }) => (recovered ? 'good' : null),
    }),
    column('endedCaptures', 'CAPTURES ENDED', ({ endedCaptures }) =>
      listed(endedCaptures.map((id) => `id ${id}`)),
    ),
    column('settings', 'LOG NOW', ({ settings }) =>
      settings === null
        ? 'as it was'
        : `${settings['generalLog'] === true ? 'ON' : 'OFF'}, ${String(settings['logOutput'])}`,
    ),
    column('droppedStatements', 'DROPPED', ({ droppedStatements }) => count(droppedStatements), {
      align: 'right',
    }),
    column('savedStatements', 'SAVED', ({ savedStatements }) => count(savedStatements), {
      align: 'right',
    }),
  ],
  reference: ({ environment }) => environment,
  none: 'No server needs restoring.',
};
