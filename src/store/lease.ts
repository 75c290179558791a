import type { Database } from 'better-sqlite3';
import type { Lease, LeaseTable } from '../core/store.ts';
import { orNull, returned } from './database.ts';

interface Row extends Omit<Lease, 'background'> {
  background: number;
}

const COLUMNS = `holder, host, pid, background, acquired_at AS acquiredAt, expires_at AS expiresAt`;

function toLease(row: Row): Lease {
  return { ...row, background: row.background === 1 };
}

export function leaseTable(db: Database): LeaseTable {
  const find = db.prepare<[], Row>(`SELECT ${COLUMNS} FROM lease`);
  const claim = db.prepare<Record<string, unknown>, Row>(
    `INSERT INTO lease (only_row, holder, host, pid, background, acquired_at, expires_at)
     VALUES (1, @holder, @host, @pid, @background, @now, @expires)
     ON CONFLICT (only_row) DO UPDATE SET holder = excluded.holder, host = excluded.host,
       pid = excluded.pid, background = excluded.background,
       acquired_at = excluded.acquired_at, expires_at = excluded.expires_at
     WHERE lease.expires_at <= @now OR lease.holder = excluded.holder
     RETURNING ${COLUMNS}`,
  );
  const takeOver = db.prepare<Record<string, unknown>, Row>(
    `UPDATE lease SET holder = @holder, host = @host, pid = @pid, background = @background,
       acquired_at = @now, expires_at = @expires
     WHERE holder = @staleHolder AND expires_at = @staleExpires RETURNING ${COLUMNS}`,
  );
  const renew = db.prepare('UPDATE lease SET expires_at = ? WHERE holder = ?');
  const isHeldBy = db
    .prepare<[string, number], number>('SELECT 1 FROM lease WHERE holder = ? AND expires_at > ?')
    .pluck();
  const release = db.prepare('DELETE FROM lease WHERE holder = ?');
  const columns = (
    { background, ...lease }: Parameters<LeaseTable['claim']>[0],
    now: number,
    lengthMs: number,
  ): Record<string, unknown> => {
    return { ...lease, background: background ? 1 : 0, now, expires: now + lengthMs };
  };
  return {
    find: () => orNull(find.get(), toLease),
    claim: (lease, now, lengthMs) =>
      orNull(returned(claim, columns(lease, now, lengthMs)), toLease),
    takeOver(stale, lease, now, lengthMs) {
      const { holder: staleHolder, expiresAt: staleExpires } = stale;
      const all = { ...columns(lease, now, lengthMs), staleHolder, staleExpires };
      return orNull(returned(takeOver, all), toLease);
    },
    renew: (holder, now, lengthMs) => renew.run(now + lengthMs, holder).changes === 1,
    isHeldBy: (holder, now) => isHeldBy.get(holder, now) !== undefined,
    release: (holder) => void release.run(holder),
  };
}
