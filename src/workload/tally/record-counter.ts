import type { UsedTable } from '../../core/reports/tally.ts';
import type { StatementFlag, StatementKind } from '../../core/workloads/statements.ts';
import { classOf } from '../../sql/classes.ts';
import { tablesOf } from '../../sql/tables.ts';
import { withoutLeadingComments } from '../../sql/text.ts';
import type { RecordText } from './record-text.ts';
import type { TallyBuilder, PendingExecute } from './tally-builder.ts';
import {
  copied,
  exampleText,
  lacksValues,
  type EchoedStatement,
  type Place,
  type SessionEntry,
  type StatementExample,
  type StatementKindOf,
} from './tally-entries.ts';

/** A record, read. One object serves for all: 10 % of the time of a statement went to making them. */
export interface CountedRecord {
  seq: number;
  /** Microseconds since the epoch; NaN where its time is none. */
  micros: number;
  session: number;
  place: Place;
  kind: StatementKind;
  /** Of a long statement, one that has the same digest. */
  readonly text: RecordText;
  /** Of a long statement, as it was; null for one that is whole. */
  beginning: string | null;
  flags: readonly StatementFlag[];
}

/** Which records are counted, in microseconds; infinite for no bound. */
export interface CountedRange {
  readonly since: number;
  readonly before: number;
}

/** Instants that records of a frame may have, in milliseconds: others are counted at the nearest. */
export interface SaneTimes {
  readonly from: number;
  readonly to: number;
}

const EXECUTE = /^execute\b(?:\s+immediate\b|[^;]*;?\s*$)/i;
const FIRST_OF_EXECUTE = 'e'.charCodeAt(0);
const REFUSED = "Access denied for user '";
/** Sessions whose first record is an echo: no more can be waited for. */
const MOST_OPENING_ECHOES = 1_000;

/** Remembered at once, and the characters of their texts. */
const MOST_KINDS = 20_000;
const MOST_CHARACTERS = 8 * 1024 * 1024;

/** What the statements of a digest are: looked at once, not in each part of a workload again. */
export class KindsOfStatements {
  readonly #known = new Map<string, StatementKindOf>();
  #characters = 0;

  of(digest: string, text: string, sql: string, db: string | null): StatementKindOf {
    const key = `${digest}${db === null ? '' : ` ${db}`}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const kind = { digest, text, db, class: classOf(sql), tables: tablesIn(sql, db) };
    if (this.#known.size >= MOST_KINDS || this.#characters >= MOST_CHARACTERS) {
      this.#known.clear();
      this.#characters = 0;
    }
    this.#known.set(key, kind);
    this.#characters += text.length;
    for (const { name } of kind.tables) this.#characters += name.length;
    return kind;
  }
}

/** Counts records one after the other into a tally. */
export class RecordCounter {
  readonly #tally: TallyBuilder;
  readonly #kinds: KindsOfStatements;
  readonly #range: CountedRange;
  readonly #isAll: boolean;
  #sane: SaneTimes = { from: -Infinity, to: Infinity };
  #before = NaN;
  #openingEchoes = 0;

  constructor(tally: TallyBuilder, range: CountedRange, kinds = new KindsOfStatements()) {
    this.#kinds = kinds;
    this.#tally = tally;
    this.#range = range;
    this.#isAll = range.since === -Infinity && range.before === Infinity;
  }

  /** From now on. */
  set sane(times: SaneTimes) {
    this.#sane = times;
  }

  add(record: CountedRecord): void {
    const tally = this.#tally;
    const { kind, flags } = record;
    tally.rows++;
    if (Number.isNaN(record.micros)) record.micros = this.#before;
    else this.#before = record.micros;
    const isEcho = flags.length > 0 && flags.includes('echo');
    const isIn = this.#isAll || this.#isInRange(record.micros);
    if (isIn) tally.countRecord(record.micros, flags);
    const session = tally.session(record.session);
    if (tally.pending.size > 0) this.#settle(record, isEcho);
    if (session?.isUnderWay === false) this.#begin(session, record, isEcho);
    if (kind === 'query' || kind === 'execute') {
      if (session !== null) session.isJustOpened = false;
      if (!isEcho && isIn) this.#statement(session, record);
    } else if (session === null || kind === 'connect' || kind === 'quit') {
      this.#loginOrEnd(session, record, isIn);
    } else {
      session.isJustOpened = false;
    }
  }

  #isInRange(micros: number): boolean {
    return micros >= this.#range.since && micros < this.#range.before;
  }

  #statement(session: SessionEntry | null, record: CountedRecord): void {
    const tally = this.#tally;
    const { micros, place } = record;
    const { id, text } = record.text.digest;
    const sliceTime = this.#sliceTime(micros);
    tally.countStatement(micros, tally.axis.slotOf(sliceTime), session, place);
    let isLacking = false;
    if (record.kind === 'execute') {
      isLacking = lacksValues(record.flags);
      if (isLacking) tally.withoutValues++;
      else tally.withValues++;
    } else if (isOfExecute(text) && EXECUTE.test(withoutLeadingComments(record.text.text))) {
      if (tally.wait(this.#pending(record))) return;
    }
    const { digests, rows } = tally;
    const slot = digests.axis.slotOf(sliceTime);
    let entry = digests.find(place.db, id);
    if (entry === undefined) {
      if (!digests.hasRoom) {
        for (const counted of digests.unlisted.of(place.db, classOf(record.text.text))) {
          counted.add(micros, slot, isLacking);
        }
        return;
      }
      entry = digests.add(
        this.#kinds.of(id, text, record.text.text, place.db),
        exampleOf(record),
        rows,
      );
    } else if (!isLacking && lacksValues(entry.example.flags)) {
      entry.setExample(exampleOf(record), rows);
    }
    if (isLacking) entry.withoutValues++;
    if (record.kind === 'execute') entry.prepared++;
    digests.countStatement(entry, rows, micros, slot, place.sender);
  }

  /** Milliseconds at which a record is counted on the axis. */
  #sliceTime(micros: number): number {
    const ms = micros / 1_000;
    const { from, to } = this.#sane;
    if (ms >= from && ms <= to) return ms;
    if (ms > to) return to;
    if (ms < from) return from;
    // No record before it has a time either.
    return [from, to].find((bound) => Number.isFinite(bound)) ?? 0;
  }

  #pending(record: CountedRecord): PendingExecute {
    const { session, micros, place } = record;
    return {
      session,
      micros,
      sliceTime: this.#sliceTime(micros),
      row: this.#tally.rows,
      db: place.db,
      user: place.user,
      host: place.host,
      own: this.#echoed(record),
    };
  }

  #echoed(record: CountedRecord): EchoedStatement {
    const { id, text } = record.text.digest;
    return {
      ...this.#kinds.of(id, text, record.text.text, record.place.db),
      example: exampleOf(record),
    };
  }

  /** Counts the EXECUTE of the record's session that waits for its echo, if there is one. */
  #settle(record: CountedRecord, isEcho: boolean): void {
    const pending = this.#tally.pending.get(record.session);
    if (pending === undefined || (isEcho && record.kind === 'prepare')) return;
    const isItsEcho = isEcho && record.kind === 'execute';
    this.#tally.pending.delete(record.session);
    this.#tally.settle(pending, isItsEcho ? this.#echoed(record) : pending.own);
  }

  /** The first record of a session. */
  #begin(session: SessionEntry, record: CountedRecord, isEcho: boolean): void {
    const tally = this.#tally;
    if (isEcho && record.kind === 'prepare') return;
    session.isUnderWay = true;
    if (isEcho && record.kind === 'execute') {
      if (this.#openingEchoes < MOST_OPENING_ECHOES) {
        this.#openingEchoes++;
        session.openingEcho = this.#echoed(record);
      } else tally.fill();
    }
    if (record.kind === 'connect' && record.text.text.startsWith(REFUSED)) session.isRefused = true;
  }

  #loginOrEnd(session: SessionEntry | null, record: CountedRecord, isIn: boolean): void {
    const tally = this.#tally;
    const { kind, micros, place } = record;
    if (kind === 'quit') {
      if (isIn) tally.close(session, place, micros);
      if (session !== null) session.isJustOpened = false;
    } else if (kind === 'connect') {
      if (!record.text.text.startsWith(REFUSED)) {
        if (isIn) tally.open(session, place, micros);
      } else if (session?.isJustOpened === true) tally.refuse(session);
    }
  }
}

/** The tables of a text, with the database that it is run in where it names none. */
function tablesIn(sql: string, db: string | null): UsedTable[] {
  const tables = tablesOf(sql).flatMap(({ table, reads, writes }) => {
    const name = copied(table.includes('.') || db === null ? table : `${db}.${table}`);
    return [
      ...(reads ? [{ name, access: 'read' as const }] : []),
      ...(writes ? [{ name, access: 'write' as const }] : []),
    ];
  });
  // Without the room that an array has which has grown.
  return tables.slice();
}

/** Whether a digest is of a text that can be an EXECUTE: asked of every statement. */
function isOfExecute(digest: string): boolean {
  return (digest.charCodeAt(0) | 0x20) === FIRST_OF_EXECUTE && /^execute/i.test(digest);
}

function exampleOf(record: CountedRecord): StatementExample {
  const { seq, micros, session, place, flags, beginning } = record;
  const { sql, isCut } = exampleText(beginning ?? record.text.text);
  return { seq, micros, session, user: place.user, sql, isCut: isCut || beginning !== null, flags };
}
