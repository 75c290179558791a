import type { StatementRecord } from '../../core/workloads/statements.ts';
import { wallClockAt } from '../../core/time-zones.ts';
import {
  column,
  orDash,
  paths,
  scalarText,
  type Column,
  type JsonObject,
  type Noun,
  type View,
} from './column.ts';
import { escapeText } from '../../display/escape.ts';
import type { Paint } from './paint.ts';
import { displayWidth, pad, truncate } from './width.ts';

const GAP = '  ';
/** A time with its date has room from this width on. */
const WIDE = 120;
/** So much of a statement is looked at to fill its column: one may have 60 MB. */
const SHOWN_CHARACTERS = 1_000;
const MOST_PER_NAME = 24;
const LEAST_FOR_TEXT = 20;
/** What goes first where the text would have less. */
const LEAVES = ['session', 'db', 'seq', 'user'];
/** What comes later may be longer. */
const LEAST: Readonly<Record<string, number>> = { seq: 6, session: 6, user: 6, db: 6, kind: 7 };

/** The statements of a workload. `bytes` and `flags` are in the JSON only where they apply, as in the files. */
export const statementNoun: Noun<StatementRecord> = {
  fields: paths('seq time session user host db kind sql bytes flags'),
  toJson: (record) => record as unknown as JsonObject,
  columns: [
    column('seq', 'SEQ', ({ seq }) => String(seq), { align: 'right' }),
    column('time', 'TIME', ({ time }, view) => timeText(time, view)),
    column('session', 'SESSION', ({ session }) => String(session), { align: 'right' }),
    column('user', 'USER', ({ user }) => orDash(user)),
    column('host', 'HOST', ({ host }) => orDash(host)),
    column('db', 'DB', ({ db }) => orDash(db)),
    column('kind', 'KIND', ({ kind }) => kind),
    column('sql', 'SQL', ({ sql }) => sql),
  ],
  reference: ({ seq }) => String(seq),
  none: 'No statements.',
};

/** On the wall clock of the view's zone, to the millisecond. */
function timeText(time: string, { width, zone }: View): string {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return time;
  const text = new Date(wallClockAt(at, zone)).toISOString().slice(0, -1).replace('T', ' ');
  return width < WIDE ? text.slice('2026-11-22 '.length) : text;
}

/**
 * Lays statements out as a table while they come: the widths are those of the first rows, longer values are
 * cut, and the text of a statement has what is left of its line.
 */
export class StatementTable {
  readonly #view: View;
  readonly #paint: Paint;
  readonly #mayLeave: boolean;
  #columns: readonly Column<StatementRecord>[];
  #widths: readonly number[] | null = null;

  /** @param fields to show, in this order; null: as many as there is room for. */
  constructor(fields: readonly string[] | null, view: View, paint: Paint) {
    const all = statementNoun.columns ?? [];
    const byField = (field: string) =>
      all.find((one) => one.field === field) ??
      column<StatementRecord>(field, field.toUpperCase(), (record) => valueText(record, field));
    this.#view = view;
    this.#paint = paint;
    this.#mayLeave = fields === null;
    this.#columns = fields === null ? all : fields.map(byField);
    // A narrow terminal shows who and what, not from where.
    if (fields === null && view.width < WIDE) {
      this.#columns = all.filter(({ field }) => field !== 'host' && field !== 'kind');
    }
  }

  /** The rows as lines; the first time with the header above them, where there is one. */
  rows(records: readonly StatementRecord[], hasHeader: boolean): string {
    let head = '';
    if (this.#widths === null) {
      this.#widths = this.#fit(records, hasHeader);
      const headers = this.#columns.map(({ header }) => header);
      const rule = this.#widths.map((width) => '─'.repeat(width)).join('──');
      const title = this.#paint('strong', this.#line(headers));
      if (hasHeader) head = `${title}\n${rule}\n`;
    }
    return (
      head +
      this.#cells(records)
        .map((row) => `${this.#line(row)}\n`)
        .join('')
    );
  }

  #cells(records: readonly StatementRecord[]): string[][] {
    return records.map((record) => this.#columns.map((one) => this.#cell(one, record)));
  }

  #cell({ cell }: Column<StatementRecord>, record: StatementRecord): string {
    const text = cell(record, this.#view);
    // Cut before it is escaped, and marked so that it is seen to be cut.
    const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
    return escapeText(shown.replace(/\s+/g, ' '));
  }

  /** Decides on the widths, and on the columns where there is no room for all. */
  #fit(records: readonly StatementRecord[], hasHeader: boolean): number[] {
    const headers = this.#columns.map(({ header }) => header);
    const rows = [...(hasHeader ? [headers] : []), ...this.#cells(records)];
    const widths = this.#columns.map(({ field }, index) => {
      const widest = rows.reduce(
        (most, row) => Math.max(most, displayWidth(row[index] ?? '')),
        LEAST[field] ?? 1,
      );
      return Math.min(widest, field === 'sql' ? this.#view.width : MOST_PER_NAME);
    });
    const text = this.#columns.findIndex(({ field }) => field === 'sql');
    if (text === -1) return widths;
    const others = widths.reduce((sum, width, index) => sum + (index === text ? 0 : width), 0);
    const room = this.#view.width - others - GAP.length * (widths.length - 1);
    const leaves = LEAVES.find((field) => this.#columns.some((one) => one.field === field));
    if (room < LEAST_FOR_TEXT && this.#mayLeave && leaves !== undefined) {
      this.#columns = this.#columns.filter(({ field }) => field !== leaves);
      return this.#fit(records, hasHeader);
    }
    widths[text] = Math.max(room, LEAST_FOR_TEXT);
    return widths;
  }

  #line(cells: readonly string[]): string {
    return cells
      .map((text, index) => {
        const width = this.#widths?.[index] ?? 0;
        return pad(truncate(text, width), width, this.#columns[index]?.align);
      })
      .join(GAP)
      .trimEnd();
  }
}

function valueText(record: StatementRecord, field: string): string {
  const value = statementNoun.toJson(record)[field] ?? null;
  return Array.isArray(value) ? value.join(', ') : orDash(value, scalarText);
}
