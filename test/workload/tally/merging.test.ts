import { describe, expect, it } from 'vitest';
import { restBy } from '../../../src/core/reports/report-counts.ts';
import { groupsBy } from '../../../src/core/reports/report-groups.ts';
import { MOST_DIGESTS, type Tally } from '../../../src/core/reports/tally.ts';
import type { StatementFlag, StatementKind } from '../../../src/core/workloads/statements.ts';
import { Digester } from '../../../src/sql/digest.ts';
import { mergeDigests } from '../../../src/workload/tally/digest-merging.ts';
import { DigestTable } from '../../../src/workload/tally/digest-table.ts';
import { MalformedBytes } from '../../../src/workload/tally/packed-bytes.ts';
import { RecordCounter } from '../../../src/workload/tally/record-counter.ts';
import { RecordText } from '../../../src/workload/tally/record-text.ts';
import { TallyBuilder } from '../../../src/workload/tally/tally-builder.ts';
import { mergePacked, mergeRecords } from '../../../src/workload/tally/tally-merging.ts';
import { packDigests, packRecords, packTally } from '../../../src/workload/tally/tally-packing.ts';
import { tallyOf } from '../../../src/workload/tally/tally-result.ts';
import { MOST_ROWS_OF_A_UNIT } from '../../../src/workload/tally/unit-counting.ts';
import fc from '../../support/properties.ts';
import { plain } from './counted.ts';

interface Row {
  readonly micros: number;
  readonly session: number;
  readonly user: string;
  readonly db: string | null;
  readonly kind: StatementKind;
  readonly sql: string;
  readonly flags: readonly StatementFlag[];
}

const START = Date.parse('2026-11-22T01:00:00Z') * 1_000;
const REFUSED = "Access denied for user 'app'@'web1' (using password: YES)";

const ROWS: readonly (readonly [StatementKind, string, readonly StatementFlag[]])[] = [
  ['query', 'SELECT a FROM t WHERE b = 5', []],
  ['query', 'EXECUTE p USING @a', []],
  ['query', "EXECUTE IMMEDIATE 'SELECT a FROM t WHERE b = 1'", []],
  ['prepare', 'SELECT a FROM t WHERE b = ?', ['echo']],
  ['execute', 'SELECT a FROM t WHERE b = 7', ['echo']],
  ['execute', 'SELECT a FROM t WHERE b = ?', ['unreplayable']],
  ['execute', 'UPDATE t SET a = 1', []],
  ['connect', 'app@web1 on shop using TCP/IP', []],
  ['connect', REFUSED, []],
  ['quit', '', []],
  ['init_db', 'shop', []],
];

/** Of each session: an EXECUTE and its echo are in the same. */
const DATABASES: Readonly<Record<number, string>> = { 1: 'shop', 2: 'shop', 3: 'crm' };

const aRow = fc
  .record({
    micros: fc.integer({ min: -50_000_000, max: 3_000_000_000 }),
    session: fc.integer({ min: 1, max: 4 }),
    user: fc.constantFrom('app', 'batch'),
    row: fc.constantFrom(...ROWS),
  })
  .map(({ micros, row: [kind, sql, flags], ...from }): Row => {
    const db = DATABASES[from.session] ?? null;
    return { ...from, db, micros: START + micros, kind, sql, flags };
  });

function count(tally: TallyBuilder, rows: readonly Row[], from: number): void {
  const counter = new RecordCounter(tally, { since: -Infinity, before: Infinity });
  const text = new RecordText(new Digester());
  for (const [index, { user, db, sql, ...row }] of rows.entries()) {
    text.text = sql;
    counter.add({
      ...row,
      text,
      beginning: null,
      seq: from + index + 1,
      place: tally.place(user, 'web1', db),
    });
  }
}

function packed(rows: readonly Row[], from: number, digests?: number): Buffer {
  const tally = emptyTally(digests);
  count(tally, rows, from);
  return packTally(tally);
}

function merged(parts: readonly Buffer[], digests?: number): TallyBuilder {
  const tally = emptyTally(digests);
  for (const part of parts) mergePacked(tally, part);
  return tally;
}

function sum(numbers: ArrayLike<number>): number {
  return Array.from(numbers).reduce((one, other) => one + other, 0);
}

/** @param digests how many it keeps. */
function emptyTally(digests = MOST_DIGESTS): TallyBuilder {
  return new TallyBuilder(new DigestTable({ digests, text: 1_000_000 }));
}

/** What databases and classes of a tally come to, in the order of their names. */
function sums(tally: Tally): unknown {
  const rows = (['db', 'class'] as const).map((by) =>
    groupsBy(tally, by, () => null)
      .map((group) => group.row())
      .map(({ name, count, first, last, slices, withoutValues }) => {
        return { name, count, first, last, slices, withoutValues };
      })
      .sort((one, other) => (String(one.name) < String(other.name) ? -1 : 1)),
  );
  const { statements, executes, axis } = tally;
  return plain({ rows, statements, executes, axis });
}

describe('parts of a workload', () => {
  it('come to the same wherever it is cut', () => {
    const cuts = fc.array(fc.nat(40), { maxLength: 3 });
    fc.assert(
      fc.property(fc.array(aRow, { maxLength: 40 }), cuts, (rows, at) => {
        const ends = [...new Set([...at, rows.length])]
          .filter((end) => end <= rows.length)
          .sort((a, b) => a - b);
        const parts = ends.map((end, index) => {
          const from = ends[index - 1] ?? 0;
          return packed(rows.slice(from, end), from);
        });
        const whole = plain(tallyOf(merged([packed(rows, 0)])));
        expect(plain(tallyOf(merged(parts)))).toEqual(whole);
        // Put together in two steps, as segments are.
        const later = packTally(merged(parts.slice(1)));
        expect(plain(tallyOf(merged([...parts.slice(0, 1), later])))).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  it('come to the same whichever lane counts which of them', () => {
    const aPart = fc.record({ rows: fc.array(aRow, { maxLength: 12 }), lane: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(aPart, { maxLength: 6 }), (parts) => {
        const tally = new TallyBuilder();
        // The first lane's digests are those of the whole, as in the thread that hands the others out.
        const lanes = [tally.digests, new DigestTable(), new DigestTable()];
        let from = 0;
        const records = parts.map(({ rows, lane }, index) => {
          const part = new TallyBuilder(lanes[lane]);
          part.rows = index * MOST_ROWS_OF_A_UNIT;
          count(part, rows, from);
          from += rows.length;
          return packRecords(part);
        });
        for (const part of records) mergeRecords(tally, part);
        for (const digests of lanes.slice(1)) mergeDigests(tally.digests, packDigests(digests));
        tally.digests.settle();
        const all = parts.flatMap(({ rows }) => rows);
        const whole = plain(tallyOf(merged([packed(all, 0)])));
        expect(plain(tallyOf(merged([packTally(tally)])))).toEqual(whole);
      }),
      { numRuns: 100 },
    );
  });

  it('have all statements by database and class, however few of their digests are kept', () => {
    fc.assert(
      fc.property(fc.array(aRow, { maxLength: 40 }), fc.nat(40), fc.nat(3), (some, at, most) => {
        const rows = some.toSorted((one, other) => one.micros - other.micros);
        const whole = tallyOf(merged([packed(rows, 0)]));
        const cut = Math.min(at, rows.length);
        const few = tallyOf(
          merged([packed(rows.slice(0, cut), 0, most), packed(rows.slice(cut), cut, most)], most),
        );
        expect(few.digests.length).toBeLessThanOrEqual(most);
        expect(sums(few)).toEqual(sums(whole));
        const rest = restBy(few, 'digest');
        const listed = few.digests.reduce((sum, one) => sum + one.count, 0);
        expect(listed + (rest?.statements ?? 0)).toBe(whole.statements);
        expect(sum(rest?.slices ?? [])).toBe(rest?.statements ?? 0);
      }),
      { numRuns: 100 },
    );
  });

  it('have all statements of a user, however many hosts and sessions there are', () => {
    const parts = [0, 1].map((part) => {
      const tally = emptyTally();
      for (let n = 0; n < 21_000; n++) {
        const micros = START + (part * 21_000 + n) * 1_000;
        const place = tally.place(n % 3 === 0 ? 'batch' : 'app', `host ${n}`, null);
        const slot = tally.axis.slotOf(micros / 1_000);
        tally.countStatement(micros, slot, tally.session(part * 500 + n), place);
      }
      return packTally(tally);
    });
    const tally = tallyOf(merged(parts));
    const users = groupsBy(tally, 'user', () => null).map(({ name, count }) => [name, count]);
    expect(users).toEqual([
      ['app', 28_000],
      ['batch', 14_000],
    ]);
    // 10,000 accounts and 5,000 hosts besides.
    const hosts = groupsBy(tally, 'host', () => null);
    expect(hosts).toHaveLength(15_000);
    const [host, other] = [hosts[12_345]?.row(), restBy(tally, 'host')];
    expect(host).toMatchObject({ name: 'host 12345', count: 2, users: [] });
    expect(host?.last).toBe('2026-11-22T01:00:33.345000Z');
    expect([other?.statements, sum(other?.slices ?? [])]).toEqual([12_000, 12_000]);
    expect(restBy(tally, 'user')).toBeNull();
    // 20,000 sessions: 1,000 of the first part, and 500 more of the second.
    const sessions = restBy(tally, 'session');
    expect([sessions?.statements, sum(sessions?.slices ?? [])]).toEqual([2_500, 2_500]);
  });

  it('are refused where bytes are missing, too many or others, and never end in anything else', () => {
    const rows = fc.sample(aRow, { numRuns: 30, seed: 7 });
    const bytes = packed(rows, 0);
    for (let length = 0; length < bytes.length; length += 3) {
      expect(() => merged([bytes.subarray(0, length)])).toThrow(MalformedBytes);
    }
    expect(() => merged([Buffer.concat([bytes, Buffer.from([0])])])).toThrow(MalformedBytes);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(bytes);
        changed[at] = byte;
        try {
          tallyOf(merged([changed]));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBytes);
        }
      }),
      { numRuns: 500 },
    );
  });
});
