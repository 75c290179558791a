import type {
  ActiveCapture,
  NextStart,
  DaemonHolder,
  DaemonStatus,
} from '../../core/daemon/daemon-service.ts';
import {
  column,
  jsonFields,
  listed,
  orDash,
  paths,
  yesOrNo,
  type Column,
  type JsonObject,
  type Noun,
  type View,
} from './column.ts';
import { isoTime, localMoment } from './moments.ts';
import { formatBytes, formatCount } from '../../core/units.ts';

function aboutHolder(
  field: keyof DaemonHolder,
  header: string,
  cell: (holder: DaemonHolder, view: View) => string,
): Column<DaemonStatus> {
  return column(field, header, ({ holder }, view) => orDash(holder, (one) => cell(one, view)));
}

function activeJson({ lagMs, ...capture }: ActiveCapture): JsonObject {
  return { ...capture, lag: lagMs === null ? null : lagMs / 1_000 };
}

function startJson({ at, ...capture }: NextStart): JsonObject {
  return { ...capture, at: isoTime(at) };
}

export const daemonNoun: Noun<DaemonStatus> = {
  ...jsonFields<DaemonStatus>({
    alive: ({ holder }) => holder !== null,
    host: ({ holder }) => holder?.host ?? null,
    pid: ({ holder }) => holder?.pid ?? null,
    since: ({ holder }) => isoTime(holder?.since ?? null),
    background: ({ holder }) => holder?.background ?? null,
    recording: ({ recording }) => recording.map(activeJson),
    warmUps: ({ warmUps }) =>
      warmUps.map(({ until, ...warmUp }) => ({ ...warmUp, until: isoTime(until) })),
    nextStarts: ({ nextStarts }) => nextStarts.map(startJson),
  }),
  columns: [
    column('alive', 'ALIVE', ({ holder }) => yesOrNo(holder !== null), {
      tone: ({ holder }) => (holder === null ? 'bad' : 'good'),
    }),
    aboutHolder('host', 'HOST', ({ host }) => host),
    aboutHolder('pid', 'PID', ({ pid }) => String(pid)),
    aboutHolder('since', 'SINCE', ({ since }, view) => localMoment(since, view)),
    aboutHolder('background', 'IN BACKGROUND', ({ background }) =>
      background ? 'yes: it exits when nothing is left to record' : 'no',
    ),
    column('recording', 'RECORDING', ({ recording }) =>
      listed(
        recording.map(({ id, name, status }) => `${name} (id ${id}, ${status})`),
        'nothing',
      ),
    ),
    column('warmUps', 'WARM-UPS', ({ warmUps }, view) =>
      listed(
        warmUps.map(({ environment, until }) => `${environment} until ${localMoment(until, view)}`),
      ),
    ),
    column('nextStarts', 'NEXT START', ({ nextStarts: [next] }, view) =>
      next === undefined ? 'none' : `${next.name} (id ${next.id}), ${localMoment(next.at, view)}`,
    ),
  ],
  reference: ({ holder }) => (holder === null ? '' : `${holder.host}:${holder.pid}`),
  none: 'No daemon is running.',
};

export const activeCaptureNoun: Noun<ActiveCapture> = {
  fields: paths('id name environment status records statementsPerSecond bytesPerSecond lag'),
  toJson: activeJson,
  columns: [
    column('id', 'ID', ({ id }) => String(id), { align: 'right' }),
    column('name', 'RECORDING', ({ name }) => name, { shrinks: true }),
    column('status', 'STATUS', ({ status }) => status),
    column('records', 'RECORDS', ({ records }) => orDash(records, formatCount), {
      align: 'right',
    }),
    column(
      'statementsPerSecond',
      'A SECOND',
      ({ statementsPerSecond }) => orDash(statementsPerSecond, formatCount),
      { align: 'right' },
    ),
    column('lag', 'LAG', ({ lagMs }) => orDash(lagMs, (lag) => `${(lag / 1_000).toFixed(1)}s`), {
      align: 'right',
    }),
    column(
      'bytesPerSecond',
      'NDJSON',
      ({ bytesPerSecond }) => orDash(bytesPerSecond, (bytes) => `${formatBytes(bytes)}/s`),
      { align: 'right' },
    ),
    column('environment', 'ENVIRONMENT', ({ environment }) => environment, { shrinks: true }),
  ],
  reference: ({ environment, name }) => `${environment}/${name}`,
  none: 'Nothing is being recorded.',
};

export const nextStartNoun: Noun<NextStart> = {
  fields: ['id', 'name', 'environment', 'at'],
  toJson: startJson,
  columns: [
    column('id', 'ID', ({ id }) => String(id), { align: 'right' }),
    column('name', 'NEXT', ({ name }) => name, { shrinks: true }),
    column('at', 'AT', ({ at }, view) => localMoment(at, view)),
    column('environment', 'ENVIRONMENT', ({ environment }) => environment, { shrinks: true }),
  ],
  reference: ({ environment, name }) => `${environment}/${name}`,
  none: 'Nothing is scheduled.',
};
