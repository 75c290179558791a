import type { MappedUser, ReplayOptions } from '../core/replays/replay.ts';
import type {
  ReplayTarget,
  TargetAnswer,
  TargetCommand,
  TargetSession,
} from '../core/replays/target.ts';
import { TargetRefused } from '../core/replays/target.ts';
import type { StatementRecord } from '../core/workloads/statements.ts';
import { sentBytes } from '../sql/logged-bytes.ts';
import type { Escapes } from '../sql/lexer.ts';
import { mappedNames } from '../sql/mapped-names.ts';
import type { StatementNature } from '../sql/statement-nature.ts';
import type { Outcome } from './record-accounts.ts';
import { ItemQueue } from './item-queue.ts';
import type { Pace } from './pace.ts';
import type { RecordedSession } from './recorded-session.ts';
import { PreparedStatements } from './prepared-statements.ts';
import type { ReplayItem } from './replay-item.ts';
import { withoutEscapes } from './screening.ts';
import { SessionSetting } from './session-setting.ts';

/** The server rolled the whole transaction back (ER_LOCK_DEADLOCK, ER_XA_RBDEADLOCK of MySQL and MariaDB). */
const DEADLOCKS: ReadonlySet<number> = new Set([1213, 1614]);
/** ER_CON_COUNT_ERROR, ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED: others have taken the room. */
const CROWDED: ReadonlySet<number> = new Set([1040, 1203, 1226]);
/** ER_NET_PACKET_TOO_LARGE. */
const TOO_LONG = 1153;
/** CR_SERVER_LOST, of their clients. */
const LOST = 2013;

export interface SessionSettings {
  readonly target: ReplayTarget;
  readonly options: ReplayOptions;
  readonly pace: Pace;
  readonly databases: ReadonlyMap<string, string>;
}

/** What happens to the items of a session. */
export interface SessionListener {
  settled(item: ReplayItem, outcome: Outcome, session: SessionPlayer): void;
  sending(item: ReplayItem, session: SessionPlayer): void;
  answered(item: ReplayItem, answer: TargetAnswer, session: SessionPlayer): void;
  /** The server refused a command: a statement, or what had to be done before it. */
  failed(answer: TargetAnswer): void;
  /** How an execute is sent: as one of what the session prepared, or as text. */
  executing(isBinary: boolean): void;
  /** A command that took the connection's time was answered. */
  progressed(): void;
  /** It is connected and has nothing to do; and that this is no longer so. */
  ranDry(): void;
  isFed(): void;
  lost(session: SessionPlayer, refusal: TargetRefused | null): void;
  /** It is logged in, and that its connection is no more. */
  connected(): void;
  disconnected(): void;
  /** The target has no room for its connection now. @returns whether it waits for a place once more. */
  crowded(session: SessionPlayer): boolean;
  /** Nothing of it follows. @param hadPlace whether it had a connection until now. */
  left(session: SessionPlayer, hadPlace: boolean): void;
}

/**
 * The life of a session's connection:
 * - `waiting`: it has no place yet; what it is given waits;
 * - `opening`: it logs in;
 * - `idle`: it is connected, and takes the next item at once;
 * - `busy`: one command is under way;
 * - `lost`: its login was refused, or its connection broke: what it is given is skipped;
 * - `closed`: its last record was played.
 */
type State = 'waiting' | 'opening' | 'idle' | 'busy' | 'lost' | 'closed';

/** Plays one session of the record: on a connection of its own, in the record's order. */
export class SessionPlayer {
  readonly recorded: RecordedSession;
  readonly #settings: SessionSettings;
  readonly #listener: SessionListener;
  readonly #queue = new ItemQueue<ReplayItem>();
  readonly #prepared = new PreparedStatements();
  readonly #setting: SessionSetting;
  state: State = 'waiting';
  connection: TargetSession | null = null;
  #account: MappedUser | null = null;
  #database: string | null = null;
  #inTransaction = false;
  #hasLostTransaction = false;
  /** Since when a command is under way: milliseconds of the pace. */
  busySince = 0;
  /** When it was broken off; null where it was not. */
  brokenOffAt: number | null = null;
  #isEnding = false;
  #isHalted = false;
  /** Whether items are being taken out of the queue. */
  #isGoing = false;
  /** Whether it is connected and has nothing to do. */
  #isDry = false;
  /** Settings that the target refused. */
  setUpFailures = 0;

  constructor(
    recorded: RecordedSession,
    autocommitOff: 'always' | 'once' | null,
    settings: SessionSettings,
    listener: SessionListener,
  ) {
    this.recorded = recorded;
    this.#settings = settings;
    this.#listener = listener;
    const hasRecordedTime = settings.options.recordedTime;
    this.#setting = new SessionSetting({ ...settings, hasRecordedTime, autocommitOff });
  }

  get waiting(): number {
    return this.#queue.length;
  }

  push(item: ReplayItem): void {
    this.#queue.push(item);
    this.#feed();
    this.#next();
  }

  /** Logs in; the session has its place now. */
  open(): void {
    this.state = 'opening';
    const first = this.#queue.peek();
    this.#account = this.#accountOf(first?.screened.record.user ?? this.recorded.user);
    this.#logIn();
  }

  /** Begins nothing any more; what is under way may be answered. */
  halt(): void {
    this.#isHalted = true;
  }

  /** Says good-bye, and takes what is left: it is given to nobody else. */
  *end(): Generator<ReplayItem> {
    this.#isEnding = true;
    this.#hangUp();
    this.state = 'closed';
    yield* this.#queue.drain();
  }

  #logIn(): void {
    const account = this.#account;
    this.#settings.target.openSession({ account }).then(
      (connection) => {
        if (this.#isEnding) {
          connection.destroy();
          return;
        }
        this.connection = connection;
        this.state = 'idle';
        this.#database = null;
        this.#listener.connected();
        this.#next();
      },
      (error: unknown) => {
        if (this.#isEnding) return;
        const refusal =
          error instanceof TargetRefused ? error : new TargetRefused(0, String(error));
        this.#refused(refusal);
      },
    );
  }

  #refused(refusal: TargetRefused): void {
    if (CROWDED.has(refusal.number)) {
      this.state = 'waiting';
      if (this.#listener.crowded(this)) return;
    }
    this.state = 'lost';
    const first = this.#queue.peek();
    if (refusal.number !== 0 && first?.screened.record.kind === 'connect') {
      this.#queue.shift();
      this.#listener.settled(first, refusal.number, this);
    }
    this.#listener.lost(this, refusal);
    this.#next();
  }

  #next(): void {
    // What is done at once comes back to here: deeper with each item, and thousands are the end of the stack.
    if (this.#isGoing) return;
    this.#isGoing = true;
    for (;;) {
      if (this.#isHalted || (this.state !== 'idle' && this.state !== 'lost')) break;
      const item = this.#queue.shift();
      if (item === undefined) {
        this.#runDry();
        break;
      }
      if (this.state === 'lost') this.#skipLost(item);
      else this.#perform(item);
      if (item.screened.isLast && this.#isAtRest()) this.leave();
    }
    this.#isGoing = false;
  }

  #runDry(): void {
    if (this.#isDry || this.state !== 'idle') return;
    this.#isDry = true;
    this.#listener.ranDry();
  }

  #feed(): void {
    if (!this.#isDry) return;
    this.#isDry = false;
    this.#listener.isFed();
  }

  /** Whether what it was given last is done. */
  #isAtRest(): boolean {
    return this.state === 'idle' || this.state === 'lost';
  }

  #skipLost(item: ReplayItem): void {
    this.#listener.settled(item, item.screened.reason ?? 'session_lost', this);
  }

  #hangUp(): void {
    if (this.connection === null) return;
    this.setUpFailures += this.connection.setUpFailures;
    this.connection.close();
    this.connection = null;
    this.#listener.disconnected();
  }

  /** Nothing of it follows. */
  leave(): void {
    if (this.state === 'closed') return;
    const hadPlace = this.state !== 'lost';
    this.#feed();
    this.#hangUp();
    this.state = 'closed';
    this.#listener.left(this, hadPlace);
  }

  #perform(item: ReplayItem): void {
    const { record, reason, sql } = item.screened;
    if (reason !== null) {
      this.#settle(item, reason);
      return;
    }
    switch (record.kind) {
      case 'connect':
        this.#use(item, record.db);
        return;
      case 'init_db':
        this.#use(item, record.db ?? sql);
        return;
      case 'change_user':
        this.#changeUser(item);
        return;
      case 'prepare':
        this.#prepare(item);
        return;
      case 'close':
        this.#prepared.closeOne(this.connection);
        this.#settle(item, 0);
        return;
      case 'quit':
      case 'other':
        this.#settle(item, 0);
        return;
      case 'query':
      case 'execute':
        this.#inDatabase(item, record.db, () => this.#run(item));
    }
  }

  #settle(item: ReplayItem, outcome: Outcome): void {
    this.#listener.settled(item, outcome, this);
  }

  /** Settles an item that took the connection's time, and goes on with the next. */
  #finish(item: ReplayItem, outcome: Outcome): void {
    if (this.state === 'busy') this.state = 'idle';
    this.#settle(item, outcome);
    if (item.screened.isLast) this.leave();
    this.#listener.progressed();
    this.#next();
  }

  #use(item: ReplayItem, database: string | null): void {
    if (database === null) {
      this.#settle(item, 0);
      return;
    }
    const mapped = this.#mapped(database);
    this.#send({ type: 'use', database: mapped }, [], (answer) => {
      if (answer.code === 0) this.#database = mapped;
      this.#finish(item, outcomeOf(answer));
    });
  }

  #changeUser(item: ReplayItem): void {
    const { record } = item.screened;
    this.#prepared.forget();
    this.#setting.reset();
    const account = this.#accountOf(record.user);
    if (account?.user !== this.#account?.user) {
      this.#account = account;
      this.#hangUp();
      this.state = 'opening';
      this.#settle(item, 0);
      this.#logIn();
      return;
    }
    this.#send({ type: 'reset' }, [], (answer) => {
      if (answer.code !== 0) {
        this.#finish(item, outcomeOf(answer));
        return;
      }
      this.#database = null;
      this.state = 'idle';
      if (record.db === null) this.#finish(item, 0);
      else this.#use(item, record.db);
    });
  }

  #prepare(item: ReplayItem): void {
    const { record, sql } = item.screened;
    this.#inDatabase(item, record.db, () => {
      const text = this.#textOf(record, sql);
      this.#repeatSettings();
      this.#send({ type: 'prepare', text }, this.#setting.take(), (answer) => {
        if (answer.code === 0) this.#prepared.keep(sql, answer.statement, this.connection);
        this.#finish(item, outcomeOf(answer));
      });
    });
  }

  /** Does something once the session's default database is the recorded one. */
  #inDatabase(item: ReplayItem, database: string | null, then: () => void): void {
    const mapped = database === null ? null : this.#mapped(database);
    if (mapped === null || mapped === this.#database) {
      then();
      return;
    }
    this.#send({ type: 'use', database: mapped }, [], (answer) => {
      if (answer.code !== 0) {
        this.#finish(item, outcomeOf(answer));
        return;
      }
      this.#database = mapped;
      this.state = 'idle';
      if (!this.#isHalted) then();
    });
  }

  #run(item: ReplayItem): void {
    const { record, sql, nature } = item.screened;
    if (nature === null) return;
    if (this.#isOfLostTransaction(nature)) {
      this.#finish(item, 'transaction_lost');
      return;
    }
    const text = this.#textOf(record, sql);
    const { longestText } = this.#settings.target;
    if (text.length > longestText) {
      // The server would end the connection.
      this.#listener.failed(TEXT_TOO_LONG);
      this.#finish(item, TOO_LONG);
      return;
    }
    this.#repeatSettings();
    const before = this.#setting.before(nature, record);
    const used = nature.isSeveral ? null : nature.database;
    const command: TargetCommand =
      used !== null
        ? { type: 'use', database: this.#mapped(used) }
        : ((record.kind === 'execute' ? this.#execute(record, sql) : null) ?? {
            type: 'query',
            text,
            isSeveral: nature.isSeveral,
          });
    if (record.kind === 'execute') this.#listener.executing(command.type === 'execute');
    this.#listener.sending(item, this);
    this.#send(command, before, (answer) => {
      this.#listener.answered(item, answer, this);
      this.#after(nature, answer, command);
      this.#finish(item, outcomeOf(answer));
    });
  }

  #execute({ bytes }: StatementRecord, sql: string): TargetCommand | null {
    const executed = bytes === undefined ? sql : Buffer.from(bytes, 'base64');
    const execution = this.#prepared.find(executed, this.#escapes);
    return execution === null ? null : { type: 'execute', ...execution };
  }

  #isOfLostTransaction({ transaction, isSetting }: StatementNature): boolean {
    if (!this.#hasLostTransaction || isSetting) return false;
    this.#hasLostTransaction = !transaction.some(
      (effect) => effect !== 'works' && effect !== 'nothing',
    );
    return this.#hasLostTransaction;
  }

  #after(nature: StatementNature, answer: TargetAnswer, command: TargetCommand): void {
    if (answer.isInTransaction !== null) this.#inTransaction = answer.isInTransaction;
    if (DEADLOCKS.has(answer.code)) {
      this.#hasLostTransaction = this.#inTransaction;
      this.#inTransaction = false;
    }
    if (answer.code !== 0) return;
    if (command.type === 'use') this.#database = command.database;
    else if (nature.database !== null) this.#database = null;
    this.#setting.after(nature);
  }

  #repeatSettings(): void {
    const { settings } = this.recorded;
    if (settings.length === 0) return;
    this.recorded.settings = [];
    this.#setting.repeat(settings);
  }

  #send(
    command: TargetCommand,
    before: readonly string[],
    done: (answer: TargetAnswer) => void,
  ): void {
    if (this.#isHalted) return;
    const { connection } = this;
    if (connection === null) {
      done(NO_CONNECTION);
      return;
    }
    this.state = 'busy';
    this.busySince = this.#settings.pace.now();
    this.brokenOffAt = null;
    connection.run(command, before, (answer) => {
      if (this.#isEnding) return;
      // Before anything is done about it: what comes next has no connection any more.
      if (answer.code === -1) {
        this.state = 'lost';
        this.#hangUp();
        this.#listener.lost(this, null);
      }
      if (answer.code !== 0) this.#listener.failed(answer);
      done(answer);
    });
  }

  #textOf(record: StatementRecord, screened: string): string | Uint8Array {
    const { kind, flags, bytes } = record;
    if (bytes !== undefined) return Buffer.from(bytes, 'base64');
    const escapes = this.#escapes;
    const isMade = screened !== record.sql;
    const sql = isMade && escapes === 'never' ? withoutEscapes(screened) : screened;
    if (flags?.includes('lossy') === true) return sentBytes(sql, kind === 'execute') ?? sql;
    const { databases } = this.#settings;
    return databases.size === 0 ? sql : mappedNames(sql, databases, escapes);
  }

  /** How the session's literals escape now: its own SETs were sent, and the target says what came of them. */
  get #escapes(): Escapes {
    return this.connection?.hasBackslashEscapes === false ? 'never' : 'always';
  }

  #mapped(database: string): string {
    return this.#settings.databases.get(database) ?? database;
  }

  #accountOf(user: string | null): MappedUser | null {
    const { users } = this.#settings.options;
    return (
      users.find(({ recorded }) => recorded === user) ??
      users.find(({ recorded }) => recorded === '*') ??
      null
    );
  }
}

const NO_CONNECTION: TargetAnswer = {
  code: -1,
  message: 'the connection is closed',
  rows: 0,
  changed: 0,
  micros: 0,
  statement: 0,
  placeholders: 0,
  isInTransaction: null,
};

const TEXT_TOO_LONG: TargetAnswer = {
  ...NO_CONNECTION,
  code: TOO_LONG,
  message: "the text is longer than the target's max_allowed_packet",
};

function outcomeOf({ code }: TargetAnswer): Outcome {
  return code === -1 ? LOST : code;
}
