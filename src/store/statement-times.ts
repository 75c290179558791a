import type { Database } from 'better-sqlite3';
import type { TimesAbsence } from '../core/reports/report.ts';
import type { DigestTimes, TimesInterval } from '../core/reports/statement-times.ts';
import type { NumberedText, TimesTable } from '../core/reports/times-table.ts';
import { packInterval, packTotals, unpackInterval, unpackTotals } from './packed-times.ts';

interface IntervalRow {
  readonly from_at: number;
  readonly to_at: number | null;
  readonly why: TimesAbsence | null;
  readonly packed: Buffer | null;
}

interface ReadingRow {
  readonly at: number;
  readonly server_start: number;
  readonly is_counting: number;
  readonly lost: number;
  readonly captures: string;
  readonly packed: Buffer;
}

export function timesTable(db: Database): TimesTable {
  const intervalsOf = db.prepare<[number], IntervalRow>(
    'SELECT from_at, to_at, why, packed FROM capture_times WHERE capture_id = ? ORDER BY id',
  );
  const add = db.prepare(
    `INSERT INTO capture_times (capture_id, from_at, to_at, why, digests, packed)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const forgetOpen = db.prepare('DELETE FROM capture_times WHERE capture_id = ? AND to_at IS NULL');
  const closeOpen = db.prepare(
    'UPDATE capture_times SET to_at = ? WHERE capture_id = ? AND to_at IS NULL',
  );
  const digestsOf = db
    .prepare<[number], number | null>('SELECT max(digests) FROM capture_times WHERE capture_id = ?')
    .pluck();
  const findReading = db.prepare<[number], ReadingRow>(
    'SELECT at, server_start, is_counting, lost, captures, packed FROM tap_times WHERE tap_id = ?',
  );
  const saveReading = db.prepare(
    `INSERT OR REPLACE INTO tap_times (tap_id, at, server_start, is_counting, lost, captures, packed)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  return {
    intervalsOf: (captureId) => toIntervals(intervalsOf.all(captureId)),
    add(captureId, interval) {
      const { from, to, why, digests } = interval;
      forgetOpen.run(captureId);
      add.run(captureId, from, to, why, digests, packInterval(interval));
    },
    digestsOf: (captureId) => digestsOf.get(captureId) ?? 0,
    setOpen(captureId, from, why) {
      forgetOpen.run(captureId);
      add.run(captureId, from, null, why, digestsOf.get(captureId) ?? 0, null);
    },
    closeOpen: (captureId, to) => void closeOpen.run(to, captureId),
    findReading(tapId) {
      const row = findReading.get(tapId);
      if (row === undefined) return null;
      return {
        at: row.at,
        serverStart: row.server_start,
        isCounting: row.is_counting === 1,
        lost: row.lost,
        captures: JSON.parse(row.captures) as number[],
        totals: unpackTotals(row.packed),
      };
    },
    saveReading(tapId, { at, serverStart, isCounting, lost, captures, totals }) {
      const packed = packTotals(totals);
      const counting = isCounting ? 1 : 0;
      saveReading.run(tapId, at, serverStart, counting, lost, JSON.stringify(captures), packed);
    },
  };
}

/** With texts in the place of numbers; a text may come in a later interval than its first sums. */
function toIntervals(rows: readonly IntervalRow[]): TimesInterval[] {
  const unpacked = rows.map(({ packed }) => (packed === null ? null : unpackInterval(packed)));
  const texts = new Map<number, NumberedText>();
  for (const one of unpacked.flatMap((interval) => interval?.texts ?? [])) {
    texts.set(one.number, one);
  }
  return rows.map(({ from_at: from, to_at: to, why }, index) => {
    const digests: DigestTimes[] = [];
    for (const [number, sums] of unpacked[index]?.sums ?? []) {
      const found = texts.get(number);
      if (found !== undefined) digests.push({ db: found.db, text: found.text, ...sums });
    }
    return { from, to, why, digests };
  });
}
