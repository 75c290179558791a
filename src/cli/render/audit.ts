import type { AuditEntry } from '../../core/audit/audit-trail.ts';
import { column, paths, scalarText, type Column, type Noun, type View } from './column.ts';
import { isoTime, localTime } from './moments.ts';
import { formatRelative } from '../../core/units.ts';

/** Room for dates and process ids. */
const WIDE = 100;

const COLUMNS: readonly Column<AuditEntry>[] = [
  column('at', 'WHEN', ({ at }, view) =>
    view.width >= WIDE ? localTime(at, view.zone) : formatRelative(at, view.now, 1),
  ),
  column('user', 'WHO', ({ author }) => author.userName),
  column('action', 'WHAT', ({ action }) => action),
  column('subject.name', 'NAME', ({ subject }) => subject.name, { shrinks: true }),
  column(
    'details',
    'DETAILS',
    (entry) => [detailText(entry), entry.reason ?? ''].filter((part) => part !== '').join('; '),
    { shrinks: true },
  ),
  column('from', 'FROM', fromText, { givesWay: true }),
];

/** `SCHEDULED → RUNNING`, `cron=0 9 * * *, seconds=900`. */
function detailText({ details }: AuditEntry): string {
  const { from, to, ...others } = details;
  const move = from !== undefined && to !== undefined ? [`${String(from)} → ${String(to)}`] : [];
  const rest = move.length > 0 ? others : details;
  const pairs = Object.entries(rest).filter(([, value]) => value !== null);
  return [...move, ...pairs.map(([key, value]) => `${key}=${scalarText(value)}`)].join(', ');
}

function fromText({ origin }: AuditEntry, { width }: View): string {
  const { userName, hostName, pid, address } = origin;
  const who = address ?? `${userName}@${hostName}`;
  return address === undefined && width >= WIDE ? `${who} (${pid})` : who;
}

export const auditNoun: Noun<AuditEntry> = {
  fields: paths(`id at user action subject.kind subject.id subject.name envId details reason
    from.user from.host from.pid from.address`),
  toJson: ({ id, at, author, action, subject, details, reason, origin }) => ({
    id,
    at: isoTime(at),
    user: author.userName,
    action,
    subject: { kind: subject.kind, id: subject.id, name: subject.name },
    envId: subject.environmentId,
    details,
    reason,
    from: {
      user: origin.userName,
      host: origin.hostName,
      pid: origin.pid,
      address: origin.address ?? null,
    },
  }),
  columns: COLUMNS,
  reference: ({ id }) => String(id),
  none: 'Nothing was changed.',
};
