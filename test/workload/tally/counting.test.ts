import { describe, expect, it } from 'vitest';
import type { LoggedStatement } from '../../../src/core/workloads/statements.ts';
import { recorded, stamp } from '../recorded.ts';
import { aStatement } from '../statements.ts';
import { countOf } from './counted.ts';

function at(ms: number, about: Partial<LoggedStatement>): LoggedStatement {
  return aStatement({ time: stamp(ms), ...about });
}

async function tallyOf(statements: readonly LoggedStatement[]) {
  return (await countOf(await recorded(statements))).tally;
}

describe('counting', () => {
  it('counts queries and executes that are no echo by default database and digest', async () => {
    const tally = await tallyOf([
      at(0, { kind: 'connect', sql: 'app@10.0.0.5 on shop using TCP/IP' }),
      at(1, { sql: 'SELECT 1' }),
      at(2, { sql: 'SELECT 2', db: 'other' }),
      at(3, { kind: 'prepare', sql: 'SELECT ?' }),
      at(4, { kind: 'execute', sql: 'SELECT 3' }),
      at(5, { kind: 'execute', sql: 'SELECT ?', flags: ['unreplayable'] }),
      at(6, { kind: 'execute', sql: 'SELECT 9', flags: ['echo'] }),
      at(7, { kind: 'quit', sql: '' }),
    ]);
    expect(tally).toMatchObject({
      statements: 4,
      records: 8,
      first: stamp(0),
      last: stamp(7),
      executes: { withValues: 1, withoutValues: 1 },
      opened: 1,
      closed: 1,
    });
    expect(tally.byFlag).toMatchObject({ unreplayable: 1, echo: 1 });
    expect(
      tally.digests.map(({ db, count, withoutValues, prepared }) => [
        db,
        count,
        withoutValues,
        prepared,
      ]),
    ).toEqual([
      ['shop', 3, 1, 2],
      ['other', 1, 0, 0],
    ]);
    expect(tally.digests[0]).toMatchObject({ text: 'SELECT ?', class: 'reads', first: stamp(1) });
    expect(tally.digests[0]?.example).toMatchObject({ sql: 'SELECT 1', seq: 2, isCut: false });
    expect(tally.sessions).toMatchObject([
      { session: 7, count: 4, opened: stamp(0), closed: stamp(7) },
    ]);
    expect(tally.accounts).toMatchObject([{ user: 'app', count: 4, opened: 1, closed: 1 }]);
  });

  it('counts an EXECUTE as what was prepared, which its echo says', async () => {
    const tally = await tallyOf([
      at(0, { sql: "PREPARE p FROM 'SELECT a FROM t WHERE b = ?'" }),
      at(1, { kind: 'prepare', sql: 'SELECT a FROM t WHERE b = ?', flags: ['echo'] }),
      at(2, { sql: 'EXECUTE p USING @x' }),
      at(3, { session: 8, sql: 'SELECT 1' }),
      at(4, { kind: 'prepare', sql: 'SELECT a FROM t WHERE b = ?', flags: ['echo'] }),
      at(5, { kind: 'execute', sql: 'SELECT a FROM t WHERE b = 5', flags: ['echo'] }),
      at(6, { sql: 'EXECUTE unknown' }),
      at(7, { sql: 'SELECT 2' }),
    ]);
    expect(tally.statements).toBe(5);
    const counts = new Map(tally.digests.map((one) => [one.text, one]));
    const executed = counts.get('SELECT a FROM t WHERE b = ?');
    expect(executed).toMatchObject({ count: 1, first: stamp(2), last: stamp(2) });
    expect(executed?.example.sql).toBe('SELECT a FROM t WHERE b = 5');
    expect(counts.get('EXECUTE unknown')).toMatchObject({ count: 1, prepared: 0 });
    expect(counts.get('SELECT ?')?.count).toBe(2);
  });

  it('has at most 256 slices of 16 ms times a power of two, and each statement in one', async () => {
    const times = [0, 15, 16, 5_000, 70_000];
    const tally = await tallyOf(times.map((ms) => at(ms, {})));
    const { from, width, count } = tally.axis;
    expect(width).toBe(512);
    expect(from % width).toBe(0);
    expect(count).toBeLessThanOrEqual(256);
    const slices = Array.from(tally.slices);
    expect(slices.reduce((sum, one) => sum + one, 0)).toBe(times.length);
    expect(slices.map((one, slice) => [slice, one]).filter(([, one]) => one !== 0)).toEqual(
      [0, 5_000, 70_000].map((ms, i) => [
        Math.floor((Date.parse(stamp(ms)) - from) / width),
        i === 0 ? 3 : 1,
      ]),
    );
    expect(Array.from(tally.digests[0]?.slices ?? [])).toEqual(slices);
  });
});
