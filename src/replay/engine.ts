import { isAppError } from '../core/errors.ts';
import type { ReplayedRecord } from '../core/replays/replay-player.ts';
import type { ReplayEnd, ReplayOptions, ReplayProgress } from '../core/replays/replay.ts';
import type { ReplayTarget, TargetRefused } from '../core/replays/target.ts';
import { Backlog } from './backlog.ts';
import type { Outcome } from './record-accounts.ts';
import { LastStatements } from './last-statements.ts';
import { Schedule, Turnstile, type Pace } from './pace.ts';
import type { Planned } from './plan.ts';
import { ReadAhead } from './read-ahead.ts';
import { RecordClock } from './record-clock.ts';
import type { RecordedSession } from './recorded-session.ts';
import type { ReplayItem } from './replay-item.ts';
import { ReplayTally } from './replay-tally.ts';
import { SessionPlaces } from './session-places.ts';
import { SessionPlayer, type SessionSettings } from './session-player.ts';
import { SessionWatch } from './session-watch.ts';
import { TargetPresence } from './target-presence.ts';
import { unlessAborted } from './unless-aborted.ts';
import { WalkScope } from './walk-scope.ts';

/** CR_SERVER_LOST of the servers' clients. */
const LOST = 2013;
/** What is due this soon is due: a timer is no more exact. */
const SOON_MS = 0.5;
/** The start does not wait longer for connections. */
const CONNECTING_MS = 10_000;
const CONNECTING_LOOK_MS = 5;
/** For rolling back what XA PREPARE left: in all, and where the replay was interrupted. */
const ROLLING_BACK_MS = 5_000;
const ROLLING_BACK_SOON_MS = 300;
/** Between two looks at what takes too long. */
const LOOK_MS = 250;
/** Played one at a time, a statement that waits for another session's lock lets that one go on. */
const SERIAL_PATIENCE_MS = 250;

/** Plays a record once. */
export class Engine {
  readonly #record: ReplayedRecord;
  readonly #options: ReplayOptions;
  readonly #planned: Planned;
  readonly #target: ReplayTarget;
  readonly #pace: Pace;
  readonly #signal: AbortSignal;
  readonly #settings: SessionSettings;
  readonly #places: SessionPlaces;
  readonly #patience: SessionWatch;
  readonly #presence: TargetPresence;
  readonly #lastStatements: LastStatements;

  readonly tally = new ReplayTally();
  ended: ReplayEnd = { why: 'complete' };

  #ahead: ReadAhead | null = null;
  readonly #backlog = new Backlog();
  readonly #settledOne = new Turnstile();
  #isHeldUp = false;
  #isWaitingForRoom = false;
  readonly #leaving = new AbortController();
  /** Whether that is aborted: asked for every record, and a signal takes a microsecond to say so. */
  #hasEnded = false;
  #scope = new WalkScope();
  /** The `seq` of the record that was given to its session last. */
  #given = 0;
  #serialItem: ReplayItem | null = null;
  #schedule: Schedule | null = null;
  /** When the record's first statement is due: milliseconds of the pace. */
  #start = 0;

  constructor(
    record: ReplayedRecord,
    options: ReplayOptions,
    planned: Planned,
    target: ReplayTarget,
    pace: Pace,
    signal: AbortSignal,
  ) {
    this.#record = record;
    this.#options = options;
    this.#planned = planned;
    this.#target = target;
    this.#pace = pace;
    this.#signal = signal;
    this.#presence = new TargetPresence(target, pace);
    this.#lastStatements = new LastStatements(target, pace);
    this.#patience = new SessionWatch(target, pace, this.tally, options.deadline);
    this.#places = new SessionPlaces(Math.min(options.sessions ?? Infinity, target.room));
    this.#settings = {
      target,
      options,
      pace,
      databases: new Map(options.databases.map(({ recorded, target }) => [recorded, target])),
    };
  }

  /** Plays all of it, unless the signal or the target ends it. Never leaves a connection. */
  async run(): Promise<void> {
    const onAbort = (): void => this.#end({ why: 'interrupted' });
    this.#signal.addEventListener('abort', onAbort);
    if (this.#signal.aborted) onAbort();
    const { speed, serial } = this.#options;
    this.#schedule =
      speed === null || serial ? null : new Schedule(microsOf(this.#planned.plan.from), speed);
    const watching = this.#watch();
    try {
      if (this.#options.writes) await this.tally.prepared.begin(this.#target);
      for (let scope: WalkScope | null = new WalkScope(); scope !== null && !this.#isEnding();) {
        this.#scope = scope;
        await this.#walk(scope);
        scope = scope.next;
      }
      if (this.tally.lost > 0 && !this.#places.hasServed) {
        this.#end({ why: 'target_lost', message: 'no session kept its connection' });
      }
    } catch (error) {
      // What was sent is accounted for, whatever became of the record.
      const isLost = isAppError(error);
      this.#end(isLost ? { why: 'record_lost', message: error.message } : { why: 'interrupted' });
      if (!isLost) throw error;
    } finally {
      this.#signal.removeEventListener('abort', onAbort);
      this.#setEnded();
      await this.#leave();
      await watching;
    }
  }

  progress(): ReplayProgress {
    const { all, skipped, failed } = this.tally.accounts;
    return {
      records: all.records,
      sent: all.sent,
      skipped,
      failed,
      open: this.tally.open,
      lateMs: this.#schedule === null ? null : this.tally.lateNow,
    };
  }

  #isEnding(): boolean {
    return this.#hasEnded;
  }

  #end(ended: ReplayEnd): void {
    if (this.#isEnding()) return;
    this.ended = ended;
    this.#setEnded();
    this.#ahead?.end();
    this.#settledOne.open();
  }

  #setEnded(): void {
    this.#hasEnded = true;
    this.#places.close();
    this.#leaving.abort();
  }

  async #walk(scope: WalkScope): Promise<void> {
    const ahead = new ReadAhead(
      this.#record,
      this.#options,
      this.#planned,
      this.#schedule,
      this.tally.rows,
      scope,
    );
    this.#ahead = ahead;
    if (scope.isFirst) {
      await ahead.filled();
      await this.#connectFirst(ahead);
      this.#start = this.#pace.now();
    }
    await this.#dispatch(ahead, scope);
    if (this.#isEnding()) return;
    await ahead.done;
    // Sessions that had their last record before are gone already.
    for (const player of this.#places.all()) player.leave();
  }

  /** Sessions that were open when the record began are connected when the replay does, as far as they are in sight. */
  async #connectFirst(ahead: ReadAhead): Promise<void> {
    for (const { screened } of ahead.all()) {
      const { session, reason } = screened;
      const isToOpen = reason === null && session.isFromStart;
      if (isToOpen && this.#places.get(session) === undefined) this.#newPlayer(session);
    }
    this.#places.admit();
    const until = this.#pace.now() + CONNECTING_MS;
    const isOpening = (): boolean => this.#places.all().some(({ state }) => state === 'opening');
    while (isOpening() && !this.#isEnding() && this.#pace.now() < until) {
      await this.#pace.sleep(CONNECTING_LOOK_MS, this.#leaving.signal);
    }
  }

  async #dispatch(ahead: ReadAhead, scope: WalkScope): Promise<void> {
    while (!this.#isEnding()) {
      const item = ahead.peek() ?? (await ahead.next());
      if (item === null) break;
      const early = item.due === null ? 0 : this.#start + item.due - this.#pace.now();
      if (early > SOON_MS) await this.#pace.sleep(early, this.#leaving.signal);
      else if (this.#backlog.hasEnough(this.#places.size)) await this.#waitForRoom();
      else {
        ahead.shift();
        const { session, record } = item.screened;
        if (!scope.has(session, record.seq)) continue;
        this.#given = record.seq;
        this.#give(item);
        if (this.#options.serial) await this.#untilSettled(item);
      }
    }
    await this.#untilPlayed();
  }

  async #waitForRoom(): Promise<void> {
    this.#isHeldUp = true;
    this.#isWaitingForRoom = true;
    await this.#settledOne.wait();
    this.#isWaitingForRoom = false;
    this.#isHeldUp = false;
  }

  #goOnWhereRoom(): void {
    if (this.#isWaitingForRoom && this.#backlog.hasRoom(this.#places.size)) {
      this.#settledOne.open();
    }
  }

  /** Gives a record to its session; what is not sent to one that has nothing else is counted at once. */
  #give(item: ReplayItem): void {
    const { session, reason, record } = item.screened;
    let player = this.#places.get(session);
    if (player === undefined) {
      const isNothing = reason !== null || record.kind === 'quit' || record.kind === 'close';
      if (isNothing) {
        this.#countAtOnce(item, reason ?? 0);
        return;
      }
      player = this.#newPlayer(session);
    } else if (player.state === 'closed') {
      this.#countAtOnce(item, reason ?? 'session_lost');
      return;
    }
    this.#backlog.add(item.bytes);
    player.push(item);
    if (player.state === 'waiting') this.#places.admit();
  }

  #countAtOnce(item: ReplayItem, outcome: Outcome): void {
    item.isSettled = true;
    this.tally.count(item, outcome);
  }

  #newPlayer(session: RecordedSession): SessionPlayer {
    const off = this.#planned.cuts.autocommitOff.get(session.first) ?? null;
    const player = new SessionPlayer(session, off, this.#settings, {
      settled: (item, outcome) => this.#settled(item, outcome),
      sending: (item) => this.#sending(item),
      answered: (item, answer) => this.tally.answered(item, answer, session),
      failed: ({ code, message }) => this.tally.countError(code === -1 ? LOST : code, message),
      executing: (isBinary) => {
        this.tally.executes[isBinary ? 'binary' : 'text']++;
      },
      progressed: () => {
        this.#patience.progressed();
        this.#lastStatements.answered();
      },
      ranDry: () => {
        this.#backlog.setDry(true);
        this.#goOnWhereRoom();
      },
      isFed: () => this.#backlog.setDry(false),
      lost: (_session, refusal) => this.#onLost(refusal),
      connected: () => this.tally.connected(),
      disconnected: () => this.tally.open--,
      crowded: (session) => this.#places.crowded(session),
      left: (session, hadPlace) => this.#onLeft(session, hadPlace),
    });
    this.#places.add(player);
    return player;
  }

  #onLeft(player: SessionPlayer, hadPlace: boolean): void {
    this.tally.setUpFailures += player.setUpFailures;
    this.#places.left(player, hadPlace);
    if (!hadPlace) return;
    this.#places.admit();
    this.#settledOne.open();
  }

  #onLost(refusal: TargetRefused | null): void {
    this.tally.lost++;
    this.#places.lost();
    if (refusal !== null) this.tally.countError(refusal.number, refusal.message);
    if (!this.#isEnding() && (refusal === null || refusal.number === 0)) void this.#checkTarget();
    this.#places.admit();
  }

  async #checkTarget(): Promise<void> {
    const why = await this.#presence.whyLost();
    if (why !== null) this.#end({ why: 'target_lost', message: why });
  }

  #settled(item: ReplayItem, outcome: Outcome): void {
    this.#backlog.remove(item.bytes);
    this.tally.count(item, outcome);
    item.isSettled = true;
    if (item === this.#serialItem || this.#backlog.items === 0) this.#settledOne.open();
    else this.#goOnWhereRoom();
  }

  #sending(item: ReplayItem): void {
    if (item.due === null) return;
    this.tally.sending(Math.max(0, this.#pace.now() - this.#start - item.due));
  }

  /** Waits until a record is done, or its session waits for another one. */
  async #untilSettled(item: ReplayItem): Promise<void> {
    this.#serialItem = item;
    const since = this.#pace.now();
    while (!isSettled(item) && !this.#isEnding()) {
      // Opened by every look as well: a timer for each statement would cost more than sending it.
      await this.#settledOne.wait();
      if (isSettled(item) || this.#pace.now() - since < SERIAL_PATIENCE_MS) continue;
      if (!(await this.#isWaitingForOther(item))) continue;
      this.tally.overlapped++;
      break;
    }
    this.#serialItem = null;
  }

  async #isWaitingForOther({ screened: { session } }: ReplayItem): Promise<boolean> {
    const connection = this.#places.get(session)?.connection;
    if (connection == null) return true;
    const blocked = this.#target.isBlocked(connection);
    return (await unlessAborted(blocked, this.#leaving.signal)) !== false;
  }

  /** Waits until every session has done what it was given. */
  async #untilPlayed(): Promise<void> {
    while (this.#backlog.items > 0 && !this.#isEnding()) {
      this.#isHeldUp = true;
      await this.#settledOne.wait();
    }
    this.#isHeldUp = false;
  }

  /** Breaks off what takes too long, until everything is over. */
  async #watch(): Promise<void> {
    while (!this.#isEnding()) {
      await this.#pace.sleep(LOOK_MS, this.#leaving.signal);
      if (this.#isEnding()) return;
      if (this.#serialItem !== null) this.#settledOne.open();
      const players = this.#places.all();
      const busy = players.filter(({ state }) => state === 'busy');
      this.#patience.checkDeadlines(busy);
      if (!this.#isHeldUp) continue;
      if (this.#patience.isStill(LOOK_MS)) this.#backlog.setStill();
      this.#goOnWhereRoom();
      const isOpening = players.some(({ state }) => state === 'opening');
      if (busy.length === 0 && !isOpening && this.#places.areAwaited) this.#putOff();
      else if (this.#backlog.isFull) {
        await unlessAborted(this.#patience.breakStandstill(busy), this.#leaving.signal);
      }
    }
  }

  /**
   * The sessions that wait for a place have filled the memory, and those that have one have nothing to do until
   * more is read: they wait for the next walk over the record, with all that come behind them.
   */
  #putOff(): void {
    const begun = new Map<number, number>();
    for (const player of this.#places.takeWaiting()) {
      this.tally.putOff.add(player.recorded.first);
      let from = Infinity;
      for (const item of player.end()) {
        from = Math.min(from, item.screened.record.seq);
        this.#backlog.remove(item.bytes);
      }
      begun.set(player.recorded.first, from);
    }
    this.#scope.putOff(begun, this.#given + 1);
    this.#settledOne.open();
  }

  /** Breaks off what is under way, ends all connections, and counts what was not come to. */
  async #leave(): Promise<void> {
    const reason = this.ended.why === 'target_lost' ? 'target_lost' : 'interrupted';
    const isEarly = this.ended.why !== 'complete';
    if (this.ended.why === 'interrupted') await this.#lastStatements.end(this.#places.all());
    for (const player of this.#places.all()) {
      for (const item of player.end()) this.tally.count(item, item.screened.reason ?? reason);
      this.tally.setUpFailures += player.setUpFailures;
    }
    if (this.ended.why !== 'target_lost') {
      this.tally.rolledBack = await this.tally.prepared.rollBack(
        this.#target,
        this.#pace,
        isEarly ? ROLLING_BACK_SOON_MS : ROLLING_BACK_MS,
        // What ended it early does not end this as well.
        isEarly ? null : this.#signal,
      );
    }
    if (!isEarly) return;
    for (const item of this.#ahead?.end() ?? [])
      this.tally.count(item, item.screened.reason ?? reason);
    const { plan } = this.#planned;
    this.tally.accounts.addRest(this.#record.records, plan.statements.records, reason);
  }
}

function isSettled(item: ReplayItem): boolean {
  return item.isSettled;
}

function microsOf(time: string | null): number {
  return time === null ? 0 : new RecordClock().microsOf(time);
}
