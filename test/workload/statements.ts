import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { LoggedStatement } from '../../src/core/workloads/statements.ts';
import { formatSql } from '../../src/workload/sql-format.ts';

/** A statement with what a test says about it. */
export function aStatement(about: Partial<LoggedStatement> = {}): LoggedStatement {
  return {
    time: '2026-11-22T02:00:00.000000Z',
    session: 7,
    user: 'app',
    host: '10.0.0.5',
    db: 'shop',
    kind: 'query',
    sql: 'SELECT 1',
    bytes: null,
    flags: [],
    ...about,
  };
}

/** So many different statements, in time order. */
export function statements(
  count: number,
  text = 'SELECT c FROM orders WHERE id = ',
): LoggedStatement[] {
  return Array.from({ length: count }, (_, i) =>
    aStatement({
      time: `2026-11-22T02:${String(Math.floor(i / 1000) % 60).padStart(2, '0')}:00.${String(i % 1000).padStart(6, '0')}Z`,
      session: 1 + (i % 5),
      sql: `${text}${i}`,
    }),
  );
}

/** A folder that is gone after the test; the workload itself is a folder in it that is not made yet. */
export async function workloadFolder(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'captures-workload-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  return join(root, '1');
}

/** What `formatSql` gives, in one piece. */
export function sqlText(...given: Parameters<typeof formatSql>): {
  text: Buffer;
  db: string | null;
} {
  const { pieces, db } = formatSql(...given);
  return { text: Buffer.concat(pieces), db };
}
