import type {
  ActiveCapture,
  NextStart,
  DaemonHolder,
  DaemonStatus,
} from '../../core/daemon/daemon-service.ts';
import type { Column, JsonObject, Noun, View } from './column.ts';
import { isoTime, localMoment } from './moments.ts';
import { formatBytes, formatCount } from '../../core/units.ts';

function aboutHolder(
  field: keyof DaemonHolder,
  header: string,
  cell: (holder: DaemonHolder, view: View) => string,
): Column<DaemonStatus> {
  return {
    field,
    header,
    cell: ({ holder }, view) => (holder === null ? '-' : cell(holder, view)),
  };
}

const COLUMNS: Noun<DaemonStatus>['columns'] = [
  {
    field: 'alive',
    header: 'ALIVE',
    cell: ({ holder }) => (holder === null ? 'no' : 'yes'),
    tone: ({ holder }) => (holder === null ? 'bad' : 'good'),
  },
  aboutHolder('host', 'HOST', ({ host }) => host),
  aboutHolder('pid', 'PID', ({ pid }) => String(pid)),
  aboutHolder('since', 'SINCE', ({ since }, view) => localMoment(since, view)),
  aboutHolder('background', 'IN BACKGROUND', ({ background }) =>
    background ? 'yes: it exits when nothing is left to record' : 'no',
  ),
  {
    field: 'recording',
    header: 'RECORDING',
    cell: ({ recording }) =>
      recording.length === 0
        ? 'nothing'
        : recording.map(({ id, name, status }) => `${name} (id ${id}, ${status})`).join(', '),
  },
  {
    field: 'warmUps',
    header: 'WARM-UPS',
    cell: ({ warmUps }, view) =>
      warmUps.length === 0
        ? 'none'
        : warmUps
            .map(({ environment, until }) => `${environment} until ${localMoment(until, view)}`)
            .join(', '),
  },
  {
    field: 'nextStarts',
    header: 'NEXT START',
    cell: ({ nextStarts: [next] }, view) =>
      next === undefined ? 'none' : `${next.name} (id ${next.id}), ${localMoment(next.at, view)}`,
  },
];

export const daemonNoun: Noun<DaemonStatus> = {
  fields: ['alive', 'host', 'pid', 'since', 'background', 'recording', 'warmUps', 'nextStarts'],
  toJson: ({ holder, recording, warmUps, nextStarts }) => ({
    alive: holder !== null,
    host: holder?.host ?? null,
    pid: holder?.pid ?? null,
    since: isoTime(holder?.since ?? null),
    background: holder?.background ?? null,
    recording: recording.map(activeJson),
    warmUps: warmUps.map(({ until, ...warmUp }) => ({ ...warmUp, until: isoTime(until) })),
    nextStarts: nextStarts.map(startJson),
  }),
  columns: COLUMNS,
  reference: ({ holder }) => (holder === null ? '' : `${holder.host}:${holder.pid}`),
  none: 'No daemon is alive.',
};

function activeJson({ lagMs, ...capture }: ActiveCapture): JsonObject {
  return { ...capture, lag: lagMs === null ? null : lagMs / 1_000 };
}

function startJson({ at, ...capture }: NextStart): JsonObject {
  return { ...capture, at: isoTime(at) };
}

const unknownOr = (value: number | null, format: (value: number) => string): string =>
  value === null ? '-' : format(value);

const ACTIVE_COLUMNS: readonly Column<ActiveCapture>[] = [
  { field: 'id', header: 'ID', align: 'right', cell: ({ id }) => String(id) },
  { field: 'name', header: 'RECORDING', shrinks: true, cell: ({ name }) => name },
  { field: 'status', header: 'STATUS', cell: ({ status }) => status },
  {
    field: 'records',
    header: 'STATEMENTS',
    align: 'right',
    cell: ({ records }) => unknownOr(records, formatCount),
  },
  {
    field: 'statementsPerSecond',
    header: 'A SECOND',
    align: 'right',
    cell: ({ statementsPerSecond }) => unknownOr(statementsPerSecond, formatCount),
  },
  {
    field: 'lag',
    header: 'LAG',
    align: 'right',
    cell: ({ lagMs }) => unknownOr(lagMs, (lag) => `${(lag / 1_000).toFixed(1)}s`),
  },
  {
    field: 'bytesPerSecond',
    header: 'TEXT',
    align: 'right',
    cell: ({ bytesPerSecond }) => unknownOr(bytesPerSecond, (bytes) => `${formatBytes(bytes)}/s`),
  },
  {
    field: 'environment',
    header: 'ENVIRONMENT',
    shrinks: true,
    cell: ({ environment }) => environment,
  },
];

/** The captures of a status as a table of their own. */
export const activeCaptureNoun: Noun<ActiveCapture> = {
  fields: [
    'id',
    'name',
    'environment',
    'status',
    'records',
    'statementsPerSecond',
    'bytesPerSecond',
    'lag',
  ],
  toJson: activeJson,
  columns: ACTIVE_COLUMNS,
  reference: ({ environment, name }) => `${environment}/${name}`,
  none: 'Nothing is being recorded.',
};

const START_COLUMNS: readonly Column<NextStart>[] = [
  { field: 'id', header: 'ID', align: 'right', cell: ({ id }) => String(id) },
  { field: 'name', header: 'NEXT', shrinks: true, cell: ({ name }) => name },
  { field: 'at', header: 'AT', cell: ({ at }, view) => localMoment(at, view) },
  {
    field: 'environment',
    header: 'ENVIRONMENT',
    shrinks: true,
    cell: ({ environment }) => environment,
  },
];

/** The starts of a status as a table of their own. */
export const nextStartNoun: Noun<NextStart> = {
  fields: ['id', 'name', 'environment', 'at'],
  toJson: startJson,
  columns: START_COLUMNS,
  reference: ({ environment, name }) => `${environment}/${name}`,
  none: 'Nothing is scheduled.',
};
