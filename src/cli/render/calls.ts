import type { ApiCall } from '../../core/audit/call-log.ts';
import { formatRelative } from '../../core/units.ts';
import { column, jsonFields, type Noun } from './column.ts';
import { isoTime, localTime } from './moments.ts';

/** A call of the API. */
export const callNoun: Noun<ApiCall> = {
  ...jsonFields<ApiCall>({
    id: ({ id }) => id,
    at: ({ at }) => isoTime(at),
    user: ({ userName }) => userName,
    address: ({ address }) => address,
    method: ({ method }) => method,
    path: ({ path }) => path,
    status: ({ status }) => status,
    ms: ({ ms }) => ms,
  }),
  columns: [
    column('at', 'WHEN', ({ at }, view) =>
      view.width >= 100 ? localTime(at, view.zone) : formatRelative(at, view.now, 1),
    ),
    column('user', 'WHO', ({ userName }) => userName ?? ''),
    column('address', 'FROM', ({ address }) => address),
    column('method', 'METHOD', ({ method }) => method),
    column('path', 'PATH', ({ path }) => path, { shrinks: true }),
    column('status', 'STATUS', ({ status }) => String(status), { align: 'right' }),
    column('ms', 'MS', ({ ms }) => String(ms), { align: 'right' }),
  ],
  reference: ({ id }) => String(id),
  none: 'No calls.',
};
