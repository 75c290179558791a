import type { Database } from 'better-sqlite3';
import type {
  AuditAction,
  AuditEntry,
  AuditSubject,
  AuditTable,
} from '../core/audit/audit-trail.ts';

interface Row {
  id: number;
  at: number;
  user_id: number | null;
  user_name: string;
  os_user: string;
  host: string;
  pid: number;
  action: string;
  subject_kind: AuditSubject['kind'];
  subject_id: number;
  subject_name: string;
  environment_id: number | null;
  details: string;
  reason: string | null;
  address: string | null;
}

const COLUMNS = `id, at, user_id, user_name, os_user, host, pid, action, subject_kind, subject_id,
  subject_name, environment_id, details, reason, address`;

function toEntry(row: Row): AuditEntry {
  return {
    id: row.id,
    at: row.at,
    author: { userId: row.user_id, userName: row.user_name },
    origin: {
      userName: row.os_user,
      hostName: row.host,
      pid: row.pid,
      ...(row.address === null ? {} : { address: row.address }),
    },
    action: row.action as AuditAction,
    subject: {
      kind: row.subject_kind,
      id: row.subject_id,
      name: row.subject_name,
      environmentId: row.environment_id,
    },
    details: JSON.parse(row.details) as AuditEntry['details'],
    reason: row.reason,
  };
}

export function auditTable(db: Database): AuditTable {
  const insert = db.prepare(
    `INSERT INTO audit (at, user_id, user_name, os_user, host, pid, action, subject_kind, subject_id,
       subject_name, environment_id, details, reason, address)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const list = db.prepare<Record<string, unknown>, Row>(
    `SELECT ${COLUMNS} FROM audit
     WHERE (environment_id IN (SELECT value FROM json_each(@environmentIds))
         OR (environment_id IS NULL AND (user_id = @ownOf
           OR (subject_kind = 'user' AND subject_id = @ownOf)))
         OR (@everythingElse AND (environment_id IS NULL
           OR environment_id NOT IN (SELECT id FROM environments))))
       AND (@kind IS NULL OR (subject_kind = @kind AND subject_id = @subjectId))
       AND (@since IS NULL OR at >= @since)
     ORDER BY id DESC LIMIT @limit`,
  );
  // The same question about one subject, so that the index of subjects answers it.
  const listOfSubject = db.prepare<Record<string, unknown>, Row>(
    list.source.replace('(@kind IS NULL OR (subject_kind', '((subject_kind'),
  );
  return {
    insert({ at, author, origin, action, subject, details, reason }) {
      insert.run(
        at,
        author.userId,
        author.userName,
        origin.userName,
        origin.hostName,
        origin.pid,
        action,
        subject.kind,
        subject.id,
        subject.name,
        subject.environmentId,
        JSON.stringify(details),
        reason,
        origin.address ?? null,
      );
    },
    list({ environmentIds, ownOf, everythingElse, subject, since, limit }) {
      const statement = subject === null ? list : listOfSubject;
      return statement
        .all({
          environmentIds: JSON.stringify(environmentIds),
          ownOf,
          everythingElse: everythingElse ? 1 : 0,
          kind: subject?.kind ?? null,
          subjectId: subject?.id ?? null,
          since,
          limit: limit ?? -1,
        })
        .map(toEntry);
    },
  };
}
