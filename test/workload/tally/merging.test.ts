import { describe, expect, it } from 'vitest';
import type { StatementFlag, StatementKind } from '../../../src/core/workloads/statements.ts';
import { Digester } from '../../../src/sql/digest.ts';
import { mergeDigests } from '../../../src/workload/tally/digest-merging.ts';
import { DigestTable } from '../../../src/workload/tally/digest-table.ts';
import { MalformedBytes } from '../../../src/workload/tally/packed-bytes.ts';
import { RecordCounter } from '../../../src/workload/tally/record-counter.ts';
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

const aRow = fc
  .record({
    micros: fc.integer({ min: -50_000_000, max: 3_000_000_000 }),
    session: fc.integer({ min: 1, max: 4 }),
    user: fc.constantFrom('app', 'batch'),
    row: fc.constantFrom(...ROWS),
  })
  .map(({ micros, session, user, row: [kind, sql, flags] }): Row => {
    return { micros: START + micros, session, user, kind, sql, flags };
  });

function count(tally: TallyBuilder, rows: readonly Row[], from: number): void {
  const counter = new RecordCounter(tally, new Digester(), { since: -Infinity, before: Infinity });
  for (const [index, { user, ...row }] of rows.entries()) {
    counter.add({
      ...row,
      beginning: null,
      seq: from + index + 1,
      place: tally.place(user, 'web1', 'shop'),
    });
  }
}

function packed(rows: readonly Row[], from: number): Buffer {
  const tally = new TallyBuilder();
  count(tally, rows, from);
  return packTally(tally);
}

function merged(parts: readonly Buffer[]): TallyBuilder {
  const tally = new TallyBuilder();
  for (const part of parts) mergePacked(tally, part);
  return tally;
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
