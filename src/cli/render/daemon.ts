import type { CaptureStatus } from '../../core/captures.ts';
import type { Noun } from './column.ts';
import { isoTime, localTime } from './moments.ts';
import { formatRelative } from './units.ts';

/** A daemon that is alive, and what it records. */
export interface DaemonStatus {
  readonly host: string;
  readonly pid: number;
  readonly since: number;
  readonly background: boolean;
  readonly recording: readonly {
    readonly id: number;
    readonly name: string;
    readonly status: CaptureStatus;
  }[];
}

const COLUMNS: Noun<DaemonStatus>['columns'] = [
  { field: 'alive', header: 'ALIVE', cell: () => 'yes', tone: () => 'good' },
  { field: 'host', header: 'HOST', cell: ({ host }) => host },
  { field: 'pid', header: 'PID', cell: ({ pid }) => String(pid) },
  {
    field: 'since',
    header: 'SINCE',
    cell: ({ since }, view) =>
      `${localTime(since, view.zone)} (${formatRelative(since, view.now, 2)})`,
  },
  {
    field: 'background',
    header: 'IN BACKGROUND',
    cell: ({ background }) => (background ? 'yes: it leaves when nothing is left to record' : 'no'),
  },
  {
    field: 'recording',
    header: 'RECORDING',
    cell: ({ recording }) =>
      recording.length === 0
        ? 'nothing'
        : recording.map(({ id, name, status }) => `${name} (id ${id}, ${status})`).join(', '),
  },
];

export const daemonNoun: Noun<DaemonStatus> = {
  fields: ['alive', 'host', 'pid', 'since', 'background', 'recording'],
  toJson: ({ host, pid, since, background, recording }) => ({
    alive: true,
    host,
    pid,
    since: isoTime(since),
    background,
    recording: recording.map((capture) => ({ ...capture })),
  }),
  columns: COLUMNS,
  detail: COLUMNS,
  reference: ({ host, pid }) => `${host}:${pid}`,
  none: 'No daemon is alive.',
};
