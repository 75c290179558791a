import type { LoggedStatement } from '../src/core/workloads/statements.ts';

/** The `i`-th of statements like sysbench's, of 25 to 150 bytes, from 16 sessions. */
export function aSysbenchStatement(i: number): LoggedStatement {
  const digits = (n: number): string =>
    String((n * 982_451_653) % 99_999_999_999).padStart(11, '0');
  const texts = [
    `SELECT c FROM sbtest${i % 10} WHERE id=${(i * 7919) % 1_000_000}`,
    `UPDATE sbtest${i % 10} SET k=k+1 WHERE id=${(i * 104_729) % 1_000_000}`,
    `SELECT DISTINCT c FROM sbtest${i % 10} WHERE id BETWEEN ${i} AND ${i + 99} ORDER BY c`,
    `INSERT INTO sbtest${i % 10} (id, k, c, pad) VALUES (${i}, ${(i * 31) % 1_000_000}, '${digits(i)}-${digits(i + 1)}-${digits(i + 2)}', '${digits(i + 3)}')`,
  ];
  const micros = String((i * 251) % 1_000_000).padStart(6, '0');
  return {
    time: `2026-11-22T02:${String(Math.floor(i / 4000) % 60).padStart(2, '0')}:00.${micros}Z`,
    session: 100 + (i % 16),
    user: 'app',
    host: `10.0.0.${i % 16}`,
    db: 'shop',
    kind: i % 2 === 0 ? 'execute' : 'query',
    sql: texts[i % 4] ?? '',
    bytes: null,
    flags: [],
  };
}
