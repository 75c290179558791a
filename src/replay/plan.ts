import { AppError } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import type { ReplayedRecord } from '../core/replays/replay-player.ts';
import type { ReplayEvent, ReplayOptions, ReplayPlan, SkipReason } from '../core/replays/replay.ts';
import { Natures } from '../sql/statement-nature.ts';
import { schemaRefusal } from '../sql/system-schemas.ts';
import { counted, formatCount } from '../core/units.ts';
import { namedPrograms, type ProgramRefusals } from './program-refusals.ts';
import { Accounts, isStatement } from './record-accounts.ts';
import { NO_CUTS, type Cuts } from './session-cuts.ts';
import type { RecordedSession } from './recorded-session.ts';
import { isHalvable, Screening, type Screened } from './screening.ts';
import { TransactionEdges, type Provisional } from './transaction-edges.ts';

const TELL_AFTER = 50_000;

/** What is known of a record before it is sent: of the sessions, too. */
export interface Planned {
  readonly plan: ReplayPlan;
  readonly cuts: Cuts;
  readonly programs: ProgramRefusals;
  /** Learnt in this walk, and of use in the next: to learn a shape costs a hundred times what it costs to know it. */
  readonly natures: Natures;
}

/** Walks over a record, and says what would be sent. @throws AppError `store_unusable`; `invalid`. */
export async function* planReplay(
  record: ReplayedRecord,
  options: ReplayOptions,
  programs: ProgramRefusals,
  signal: AbortSignal,
): Progress<ReplayEvent, Planned> {
  for (const { target } of options.databases) {
    if (schemaRefusal(target) === null) continue;
    throw new AppError(
      'invalid',
      `No database can be "${target}" on the target: that is one of the server's own, or of a recorder`,
    );
  }
  const walk = new Walk(record, options, programs);
  let told = 0;
  for await (const records of record.read()) {
    signal.throwIfAborted();
    for (const one of records) walk.look(one);
    if (walk.records - told < TELL_AFTER) continue;
    told = walk.records;
    yield { type: 'planning', records: told, of: record.records };
  }
  return walk.planned();
}

interface SessionWalk {
  /** null for one that was not open when the record began, and is in nothing now: `#plain` is as its edges are. */
  edges: TransactionEdges | null;
  last: number;
  isOpen: boolean;
}

class Walk {
  readonly #record: ReplayedRecord;
  readonly #options: ReplayOptions;
  readonly #programs: ProgramRefusals;
  readonly #natures = new Natures();
  readonly #screening: Screening;
  readonly #accounts = new Accounts();
  readonly #sessions = new Map<RecordedSession, SessionWalk>();
  #plain = plainEdges();
  readonly #inTransaction: ReadonlySet<number>;
  readonly #leadUntil = new Map<number, number>();
  readonly #autocommitOff = new Map<number, 'always' | 'once'>();
  readonly #lastOf = new Map<number, number>();
  #count = 0;
  #open = 0;
  #mostOpen = 0;
  #from: string | null = null;
  #to: string | null = null;
  #lossy = 0;
  /** Databases that are to have another name, and that no record was in yet. */
  readonly #unmapped: Set<string>;
  #ofPrograms = 0;
  readonly #refusedPrograms = new Set<string>();
  readonly #assembling = new Set<string>();

  constructor(record: ReplayedRecord, options: ReplayOptions, programs: ProgramRefusals) {
    this.#record = record;
    this.#options = options;
    this.#unmapped = new Set(options.databases.map(({ recorded }) => recorded));
    this.#programs = programs;
    const given = { cuts: NO_CUTS, programs, natures: this.#natures };
    this.#screening = new Screening(options, given, (session) => this.#end(session, true));
    const open = record.facts?.transactionsAtStart ?? [];
    this.#inTransaction = new Set(open.map(({ session }) => session));
  }

  get records(): number {
    return this.#accounts.all.records;
  }

  look(record: Parameters<Screening['look']>[0]): void {
    this.#screening.look(record, this.#take);
  }

  readonly #take = (screened: Screened): void => {
    const { record, session, nature, reason, program } = screened;
    if (program !== null) {
      this.#ofPrograms++;
      this.#refusedPrograms.add(program.program);
    }
    if (reason === null && nature?.assembles === true) this.#assembling.add(madeName(screened.sql));
    this.#accounts.add(record.kind, reason ?? 0);
    if (this.#unmapped.size > 0 && record.db !== null) this.#unmapped.delete(record.db);
    const walk = this.#walkOf(session);
    walk.last = record.seq;
    if (nature !== null && isStatement(record.kind) && reason !== 'echo' && reason !== 'filtered') {
      const edges = walk.edges ?? this.#plain;
      edges.follow(record.seq, nature, reason, isHalvable(nature));
      this.#keepEdges(walk, edges);
    }
    if (record.kind === 'change_user' && reason !== 'refused_login') {
      walk.edges?.startAnew(record.seq);
    }
    if (reason === null) this.#send(screened, walk);
    if (record.kind === 'quit') this.#end(session, false);
  };

  /** Keeps edges of a session while there is something to them: of a hundred thousand sessions few are in a transaction. */
  #keepEdges(walk: SessionWalk, edges: TransactionEdges): void {
    if (edges.isPlain) walk.edges = null;
    else if (walk.edges === null) {
      walk.edges = edges;
      this.#plain = plainEdges();
    }
  }

  #walkOf(session: RecordedSession): SessionWalk {
    const known = this.#sessions.get(session);
    if (known !== undefined) return known;
    const edges = session.isFromStart ? this.#edgesOf(session) : null;
    const walk = { edges, last: session.first, isOpen: false };
    this.#sessions.set(session, walk);
    return walk;
  }

  #edgesOf(session: RecordedSession): TransactionEdges {
    const isInTransaction = this.#inTransaction.has(session.id);
    return new TransactionEdges(true, isInTransaction, (until, counts) => {
      this.#leadUntil.set(session.first, until);
      this.#halve(counts);
    });
  }

  #send({ record }: Screened, walk: SessionWalk): void {
    this.#from ??= record.time;
    // The recorded server's clock may have been set back meanwhile.
    if (this.#to === null || record.time > this.#to) this.#to = record.time;
    if (record.flags?.includes('lossy') === true) this.#lossy++;
    if (walk.isOpen) return;
    walk.isOpen = true;
    this.#count++;
    this.#open++;
    this.#mostOpen = Math.max(this.#mostOpen, this.#open);
  }

  /** Statements turn out to be of half a transaction. */
  #halve(counts: Provisional): void {
    for (const [reason, count] of counts) {
      if (!isBehindHalf(reason)) continue;
      this.#accounts.add('query', reason ?? 0, -count);
      this.#accounts.add('query', 'half_transaction', count);
    }
  }

  #end(session: RecordedSession, isUnsaid: boolean): void {
    const walk = this.#sessions.get(session);
    if (walk === undefined) return;
    this.#sessions.delete(session);
    if (walk.isOpen) this.#open--;
    if (isUnsaid) this.#lastOf.set(session.first, walk.last);
    const autocommitOff = walk.edges?.autocommitOff ?? null;
    if (autocommitOff !== null) this.#autocommitOff.set(session.first, autocommitOff);
  }

  planned(): Planned {
    this.#screening.finish(this.#take);
    const tailFrom = new Map<number, number>();
    const atEnd = this.#record.facts?.sessionsAtEnd ?? null;
    const listed = atEnd === null ? null : new Set(atEnd.map(({ session }) => session));
    for (const [session, { edges }] of this.#sessions) {
      const tail = edges?.tail ?? null;
      // One that was gone by then had its transaction rolled back, as it is when we leave.
      if (tail !== null && listed?.has(session.id) !== false) {
        tailFrom.set(session.first, tail.from);
        this.#halve(tail.counts);
      }
      this.#end(session, true);
    }
    const { facts } = this.#record;
    const from = this.#from;
    const to = this.#to;
    const plan: ReplayPlan = {
      ...this.#accounts.all.accounting(),
      statements: this.#accounts.statements.accounting(),
      sessions: this.#count,
      sessionsAtOnce: this.#mostOpen,
      from,
      to,
      length: this.#length(from, to),
      position: facts?.start?.gtid ?? null,
      warnings: this.#warnings(),
    };
    const cuts = {
      leadUntil: this.#leadUntil,
      tailFrom,
      autocommitOff: this.#autocommitOff,
      lastOf: this.#lastOf,
    };
    return { plan, cuts, programs: this.#programs, natures: this.#natures };
  }

  #length(from: string | null, to: string | null): number | null {
    const { speed, serial } = this.#options;
    if (speed === null || serial) return null;
    return from === null || to === null ? 0 : (Date.parse(to) - Date.parse(from)) / speed;
  }

  #warnings(): string[] {
    const warnings: string[] = [];
    const { facts } = this.#record;
    const gaps = facts?.gaps.length ?? 0;
    if (gaps > 0) {
      warnings.push(
        `The record has ${gaps === 1 ? 'a gap' : `${gaps} gaps`}: what is missing in it is not replayed`,
      );
    }
    for (const database of this.#unmapped) {
      warnings.push(
        `No session of the record was in the database "${database}", which is to have another name`,
      );
    }
    const without = this.#accounts.statements.skipped.get('without_values') ?? 0;
    if (without > 0) {
      warnings.push(
        `${formatCount(without)} executes are not sent: they were prepared before the recording, so the record does not have their values`,
      );
    }
    if (this.#lossy > 0) {
      warnings.push(
        `${counted(this.#lossy, 'statement')} with bytes that the server's log wrote as \\xHH: sent as those bytes, in the character set that their sessions set; one that a client chose at its login is not in the record`,
      );
    }
    if (this.#ofPrograms > 0) {
      const isOne = this.#ofPrograms === 1;
      const names = namedPrograms([...this.#refusedPrograms]);
      warnings.push(
        `${formatCount(this.#ofPrograms)} ${isOne ? 'record is' : 'records are'} not sent for what programs of the target do: ${names}`,
      );
    }
    const { size } = this.#assembling;
    if (size > 0) {
      const what = size === 1 ? 'a program that puts its' : 'programs that put their';
      const names = namedPrograms([...this.#assembling]);
      warnings.push(`The record makes ${what} SQL together: what that is is not seen: ${names}`);
    }
    warnings.push(...this.#programs.warnings);
    return warnings;
  }
}

/** Those of a session that begins within the record. */
function plainEdges(): TransactionEdges {
  return new TransactionEdges(false, false, () => undefined);
}

const MADE =
  /\b(?:PROCEDURE|FUNCTION|EVENT|TRIGGER|PACKAGE)\s+(?:BODY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?((?:`[^`]+`|[\w$.])+)/i;

/** The name of what a CREATE makes, for a person. */
function madeName(sql: string): string {
  return MADE.exec(sql)?.[1]?.replaceAll('`', '') ?? '?';
}

/** Whether half a transaction is the reason that counts, where both hold. */
function isBehindHalf(reason: SkipReason | null): boolean {
  return reason === null || BEHIND_HALF.has(reason);
}

const BEHIND_HALF: ReadonlySet<SkipReason> = new Set([
  'recorder',
  'accounts',
  'server',
  'files',
  'unseen',
  'writes',
]);
