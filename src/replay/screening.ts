import type { ReplayOptions, SkipReason } from '../core/replays/replay.ts';
import { EVERY_STATEMENT, isEveryStatement } from '../core/workloads/statement-search.ts';
import type { StatementRecord } from '../core/workloads/statements.ts';
import type { Digest } from '../sql/digest.ts';
import { REDACTED } from '../sql/secret-spans.ts';
import { hidesPreparedText } from '../sql/session-statements.ts';
import { refusalWithin, type Natures, type StatementNature } from '../sql/statement-nature.ts';
import { StatementFilter } from '../workload/statement-filter.ts';
import type { Cuts } from './session-cuts.ts';
import type { ProgramRefusals } from './program-refusals.ts';
import type { RefusedName } from './refused-names.ts';
import { RecordedSession } from './recorded-session.ts';

/** A record, and what becomes of it as far as the record alone tells. */
export interface Screened {
  readonly record: StatementRecord;
  readonly session: RecordedSession;
  /** The text to send: that of the record, or of a PREPARE with what it prepares. */
  readonly sql: string;
  /** null: it is sent. */
  readonly reason: SkipReason | null;
  /** Of queries, executes and prepares; null else. */
  readonly nature: StatementNature | null;
  readonly digest: Digest | null;
  /** The program of the target that it is refused for; null for none. */
  readonly program: RefusedName | null;
  /** Whether nothing of its session follows. */
  readonly isLast: boolean;
}

export type TakeScreened = (screened: Screened) => void;

/** A refusal stands right behind the login that it refuses: so many records are looked at. */
const REFUSAL_WITHIN = 256;

/** What is known before a walk over the record. */
interface Known {
  readonly cuts: Cuts;
  readonly programs: ProgramRefusals;
  readonly natures: Natures;
}

/**
 * Goes through a record in its order and says of each of its records whether it is sent: the same in every
 * walk over it.
 */
export class Screening {
  readonly #options: Pick<ReplayOptions, 'writes'>;
  readonly #filter: StatementFilter | null;
  /** What of a session's own is meant: its login, its end; null where no such thing is. */
  readonly #places: StatementFilter | null;
  readonly #cuts: Cuts;
  readonly #programs: ProgramRefusals;
  readonly #natures: Natures;
  readonly #sessions = new Map<number, RecordedSession>();
  readonly #connecting: RecordedSession[] = [];

  readonly #onReplaced: (session: RecordedSession) => void;

  /** @param onReplaced called for a session that has ended without saying so: another one has its id. */
  constructor(
    { writes, search }: Pick<ReplayOptions, 'writes' | 'search'>,
    { cuts, programs, natures }: Known,
    onReplaced: (session: RecordedSession) => void = () => undefined,
  ) {
    this.#options = { writes };
    this.#cuts = cuts;
    this.#programs = programs;
    this.#natures = natures;
    this.#onReplaced = onReplaced;
    const { users, hosts, sessions, since, until } = search;
    const isEvery = isEveryStatement(search);
    this.#filter = isEvery ? null : new StatementFilter(search);
    const chosen = { ...EVERY_STATEMENT, users, hosts, sessions, since, until };
    const isOfPlaces =
      search.texts.length + search.databases.length + search.kinds.length === 0 &&
      search.digests.length + search.tables.length === 0;
    this.#places = !isEvery && isOfPlaces ? new StatementFilter(chosen) : null;
  }

  /** @param take is called for the record, perhaps later, and for those that waited for it. */
  look(record: StatementRecord, take: TakeScreened): void {
    const [connecting] = this.#connecting;
    if (connecting !== undefined && record.seq - connecting.first > REFUSAL_WITHIN) {
      this.#connecting.shift();
      this.#connect(connecting, take);
    }
    const { kind } = record;
    if (kind === 'connect' && !isRefusal(record)) {
      this.#begin(record, take);
      return;
    }
    const session = this.#sessions.get(record.session) ?? this.#open(record, true);
    if (session.heldConnect !== null && isRefusal(record)) {
      this.#refuse(session, take);
    } else this.#connect(session, take);
    if (session.heldPrepare !== null) {
      const held = session.heldPrepare;
      session.heldPrepare = null;
      const text = kind === 'prepare' ? preparedWith(held, record) : null;
      if (text !== null) {
        take(this.#screened(held, session, text));
        take(this.#because('echo', record, session));
        return;
      }
      take(this.#because('cut_short', held, session));
    }
    if (kind === 'query' && isPartial(record) && hidesPreparedText(record.sql)) {
      session.heldPrepare = record;
      return;
    }
    session.user = record.user;
    session.host = record.host;
    take(this.#screened(record, session, record.sql));
    if (this.#isLast(record, session) || (isRefusal(record) && session.isFromStart)) {
      this.#sessions.delete(record.session);
    }
  }

  /** What waits for a record that does not come. */
  finish(take: TakeScreened): void {
    for (const session of this.#sessions.values()) this.#flush(session, take);
  }

  get open(): Iterable<RecordedSession> {
    return this.#sessions.values();
  }

  #begin(record: StatementRecord, take: TakeScreened): void {
    const before = this.#sessions.get(record.session);
    if (before !== undefined) {
      this.#flush(before, take);
      this.#onReplaced(before);
    }
    const session = this.#open(record, false);
    session.heldConnect = record;
    this.#connecting.push(session);
  }

  #flush(session: RecordedSession, take: TakeScreened): void {
    this.#connect(session, take);
    const { heldPrepare } = session;
    session.heldPrepare = null;
    if (heldPrepare !== null) take(this.#because('cut_short', heldPrepare, session));
  }

  #connect(session: RecordedSession, take: TakeScreened): void {
    const { heldConnect } = session;
    if (heldConnect === null) return;
    session.heldConnect = null;
    take(this.#screened(heldConnect, session, heldConnect.sql));
  }

  #refuse(session: RecordedSession, take: TakeScreened): void {
    const { heldConnect } = session;
    session.heldConnect = null;
    if (heldConnect !== null) take(this.#because('refused_login', heldConnect, session));
  }

  #open(record: StatementRecord, isFromStart: boolean): RecordedSession {
    const session = new RecordedSession(record, isFromStart);
    this.#sessions.set(record.session, session);
    return session;
  }

  #because(reason: SkipReason, record: StatementRecord, session: RecordedSession): Screened {
    const isLast = this.#isLast(record, session);
    const { sql } = record;
    return { ...NOTHING_KNOWN, record, session, sql, reason, isLast };
  }

  #isLast({ seq, kind }: StatementRecord, session: RecordedSession): boolean {
    return kind === 'quit' || this.#cuts.lastOf.get(session.first) === seq;
  }

  #screened(record: StatementRecord, session: RecordedSession, sql: string): Screened {
    const { kind } = record;
    const isLast = this.#isLast(record, session);
    if (kind !== 'query' && kind !== 'execute' && kind !== 'prepare') {
      const reason = this.#whyNotControl(record);
      return { ...NOTHING_KNOWN, record, session, sql, reason, isLast };
    }
    const { nature: own, digest } = this.#natures.of(sql, (name) => session.preparedAs(name));
    const program = this.#programs.of(sql, own, record.db);
    const nature = program === null ? own : refusedFor(own, program);
    const reason = this.#whyNot(record, session, sql, nature);
    if (kind === 'prepare' && reason === 'echo') session.learnPrepared(nature);
    if (kind === 'query') {
      session.prepare(nature.prepares);
      if (
        reason === 'filtered' &&
        nature.isSetting &&
        nature.refusal === null &&
        this.#mayKeep(nature)
      ) {
        session.keepSetting(sql);
      }
    }
    const isReason = own.refusal === null && reason === program?.refusal;
    return {
      record,
      session,
      sql,
      reason,
      nature,
      digest,
      program: isReason ? program : null,
      isLast,
    };
  }

  #mayKeep({ isReadOnly }: StatementNature): boolean {
    return isReadOnly || this.#options.writes;
  }

  #whyNotControl(record: StatementRecord): SkipReason | null {
    if (hasFlag(record, 'echo')) return 'echo';
    if (this.#filter !== null && this.#places?.hasHead(record) !== true) return 'filtered';
    if (isRefusal(record)) return 'refused_login';
    return record.kind === 'other' ? 'other_command' : null;
  }

  #whyNot(
    record: StatementRecord,
    session: RecordedSession,
    sql: string,
    nature: StatementNature,
  ): SkipReason | null {
    const { kind, flags = [] } = record;
    if (flags.includes('echo')) return 'echo';
    if (!this.#isMeant(record, sql)) return 'filtered';
    if (isPartial(record) && sql === record.sql) return 'cut_short';
    if (flags.includes('redacted') && sql.includes(REDACTED)) return 'redacted';
    if (flags.includes('unreplayable')) return kind === 'query' ? 'files' : 'without_values';
    if (kind !== 'prepare' && isHalvable(nature)) {
      const { seq } = record;
      const isHalf =
        seq <= (this.#cuts.leadUntil.get(session.first) ?? 0) ||
        seq >= (this.#cuts.tailFrom.get(session.first) ?? Infinity);
      if (isHalf) return 'half_transaction';
    }
    const refusal = refusalWithin(nature, record.db);
    if (refusal !== null) return refusal;
    return nature.isReadOnly || this.#options.writes ? null : 'writes';
  }

  #isMeant(record: StatementRecord, sql: string): boolean {
    const filter = this.#filter;
    if (filter === null) return true;
    if (!filter.isInTime(record.time) || !filter.hasPlace(record)) return false;
    if (record.kind !== 'prepare' && !filter.hasKind(record.kind)) return false;
    return filter.hasText(sql, () => record.db);
  }
}

const NOTHING_KNOWN = { nature: null, digest: null, program: null };

/** Of a statement that runs a program of the target, also later, by a name that it prepares. */
function refusedFor(nature: StatementNature, { refusal }: RefusedName): StatementNature {
  return {
    ...nature,
    refusal: nature.refusal ?? refusal,
    isReadOnly: false,
    prepares: nature.prepares.map(({ name, nature: prepared }) => ({
      name,
      nature: prepared === null ? null : { ...prepared, refusal: prepared.refusal ?? refusal },
    })),
  };
}

/** Whether it is left out with the transaction that it is in: what sets a session up is needed behind that, too. */
export function isHalvable({ isSetting, prepares }: StatementNature): boolean {
  return !isSetting && prepares.length === 0;
}

function hasFlag({ flags }: StatementRecord, flag: 'echo' | 'partial'): boolean {
  return flags?.includes(flag) === true;
}

function isPartial(record: StatementRecord): boolean {
  return hasFlag(record, 'partial');
}

/** As servers of the MySQL family word it. */
function isRefusal({ kind, sql }: StatementRecord): boolean {
  return (kind === 'connect' || kind === 'change_user') && sql.startsWith('Access denied for user');
}

/** The text that `preparedWith` made, for a session in which no backslash escapes. */
export function withoutEscapes(sql: string): string {
  return sql.replaceAll('\\\\', '\\');
}

/** A PREPARE without its text with that of the record behind it; null where that is not all of it. */
function preparedWith(
  { sql }: StatementRecord,
  { sql: text, flags, bytes }: StatementRecord,
): string | null {
  if ((flags !== undefined && flags.length > 0) || bytes !== undefined) return null;
  const quoted = text.replaceAll('\\', '\\\\').replaceAll("'", "''");
  return `${sql.slice(0, sql.lastIndexOf('...'))}'${quoted}'`;
}
