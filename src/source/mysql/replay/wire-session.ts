import type { Duplex } from 'node:stream';
import type { ServerAddress } from '../../../core/environments/environment.ts';
import type { TargetAnswer, TargetCommand, TargetSession } from '../../../core/replays/target.ts';
import { translateError } from '../connection/error-translation.ts';
import { closed, drop, type DriverInternals, type LoggedIn } from '../connection/mysql-login.ts';
import { codeOf, isMalformed } from '../connection/server-errors.ts';
import { AnswerReader, type AnswerKind, type AnswerTaker } from './wire-answers.ts';
import {
  closeStatement,
  execute,
  initDb,
  isInSeveral,
  prepare,
  query,
  QUIT,
  RESET,
  SEVERAL_OFF,
  SEVERAL_ON,
} from './command-packets.ts';

/** What a session is told behind its login, and behind each reset. */
export interface SessionSettings {
  /** Its failure ends the session: it keeps data from being changed. null for none. */
  readonly guard: string | null;
  /**
   * Whether the guard stands in front of every command as well: something that the session calls may undo it. Texts of
   * several statements are then refused by the server, for nothing stands between those.
   */
  readonly guardsEvery: boolean;
  readonly others: readonly string[];
  /** Behind a reset alone: what the login says by itself. */
  readonly afterReset: readonly string[];
}

/** A server that does not close the connection behind our good-bye is not waited for any longer. */
const GOODBYE_MS = 800;
/** Statements given up go with the next command, but no more than this wait for one. */
const MOST_GIVEN_UP = 16;
/** What is longer is on its way for a while. */
const LONG_WRITE = 64 * 1024;

interface ChangingAnswer {
  code: number;
  message: string;
  rows: number;
  changed: number;
  micros: number;
  statement: number;
  placeholders: number;
  isInTransaction: boolean | null;
}

/**
 * A session on the bare stream below the driver, which only logs in: commands go out in one write each, with
 * what is to be set up before them; answers are read in the socket's own event, and nothing is kept of rows.
 */
export class WireSession implements TargetSession, AnswerTaker {
  readonly id: number;
  readonly #loggedIn: LoggedIn;
  readonly #stream: Duplex;
  readonly #address: ServerAddress;
  readonly #settings: SessionSettings;
  readonly #onEnd: (session: WireSession) => void;
  readonly #reader = new AnswerReader(this);
  readonly #answer: ChangingAnswer = {
    code: 0,
    message: '',
    rows: 0,
    changed: 0,
    micros: 0,
    statement: 0,
    placeholders: 0,
    isInTransaction: null,
  };
  #setUpFailures = 0;
  #lost = false;
  #wasCutOff = false;
  /** Answers that are still to come, in this order: of what followed an earlier command, of what was set up before this one … */
  #owed = 0;
  #before = 0;
  /** … of the command itself, which may be several (a reset and what is set behind it), and of what follows it. */
  #parts = 0;
  #part = 0;
  #behind = 0;
  #kind: AnswerKind = 'result';
  /** Whether the command, or what is set up before it, takes several packets. */
  #isLong = false;
  /** Of which part the failure ends the session; -1 for none. */
  #guardPart = -1;
  /** Whether the last of what is set up before the command is the guard. */
  #isGuarded = false;
  #done: ((answer: TargetAnswer) => void) | null = null;
  #since = 0;
  #givenUp: Buffer[] = [];

  /** @param onEnd called once, when nothing of the connection is left. */
  constructor(
    loggedIn: LoggedIn,
    address: ServerAddress,
    settings: SessionSettings,
    onEnd: (session: WireSession) => void,
  ) {
    this.id = loggedIn.id;
    this.#loggedIn = loggedIn;
    this.#address = address;
    this.#settings = settings;
    this.#onEnd = onEnd;
    const stream = (loggedIn.connection as unknown as DriverInternals).stream;
    this.#stream = stream;
    // The driver sees nothing of the answers any more; what it says of the connection's end, we see ourselves.
    stream.removeAllListeners('data');
    loggedIn.connection.on('error', () => undefined);
    if (loggedIn.reads === null)
      stream.on('data', (chunk: Buffer) => this.#take(chunk, chunk.length));
    else loggedIn.reads.takeOver((buffer, length) => this.#take(buffer, length));
    stream.on('error', (error: Error) => this.#lose(error));
    stream.on('end', () => this.#loseClosed());
    stream.once('close', () => {
      this.#loseClosed();
      this.#onEnd(this);
    });
  }

  get isLost(): boolean {
    return this.#lost;
  }

  get hasBackslashEscapes(): boolean {
    return this.#reader.hasBackslashEscapes;
  }

  /** Whether good-bye was said to it while a command was under way. */
  get wasCutOff(): boolean {
    return this.#wasCutOff;
  }

  get setUpFailures(): number {
    return this.#setUpFailures;
  }

  /** Makes the session what the target's options say. @param done told of the first failure. */
  setUp(done: (answer: TargetAnswer) => void): void {
    const { guard, others } = this.#settings;
    const texts = guard === null ? others : [guard, ...others];
    this.#guardPart = guard === null ? -1 : 0;
    this.#isGuarded = false;
    this.#send(texts.map(query), { before: 0, parts: texts.length, behind: 0 }, 'result', done);
  }

  run(
    command: TargetCommand,
    before: readonly string[],
    done: (answer: TargetAnswer) => void,
  ): void {
    if (command.type === 'reset') {
      this.#reset(before, done);
      return;
    }
    const { guard, guardsEvery } = this.#settings;
    const again = guardsEvery ? guard : null;
    const isSeveral = command.type === 'query' && command.isSeveral && again === null;
    const packet = packetOf(command);
    this.#guardPart = -1;
    const kind = command.type === 'prepare' ? 'prepared' : 'result';
    if (!isSeveral && before.length === 0 && again === null) {
      this.#send([packet], ALONE, kind, done);
      return;
    }
    const packets = before.map(query);
    this.#isGuarded = again !== null;
    if (again !== null) packets.push(query(again));
    if (isSeveral) packets.push(SEVERAL_ON);
    const counts = { before: packets.length, parts: 1, behind: isSeveral ? 1 : 0 };
    packets.push(packet);
    if (isSeveral) packets.push(SEVERAL_OFF);
    this.#send(packets, counts, kind, done);
  }

  closeStatement(statement: number): void {
    if (this.#lost) return;
    this.#givenUp.push(closeStatement(statement));
    if (this.#givenUp.length < MOST_GIVEN_UP) return;
    this.#stream.write(Buffer.concat(this.#givenUp));
    this.#givenUp = [];
  }

  close(): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#wasCutOff = this.#done !== null;
    this.#answerLost('The connection was closed');
    this.#stream.end(QUIT);
    const timer = setTimeout(() => this.#drop(), GOODBYE_MS);
    this.#stream.once('close', () => clearTimeout(timer));
  }

  destroy(): void {
    this.#lose(closed());
    // One that said good-bye is waited for no longer.
    this.#drop();
  }

  answered(): void {
    // What else lay in the chunk in which it was lost.
    if (this.#lost) return;
    const { code } = this.#reader;
    if (this.#owed > 0) {
      this.#owed--;
    } else if (this.#before > 0) {
      this.#before--;
      if (code !== 0) {
        if (this.#before === 0 && this.#isGuarded) {
          // What is behind it may be under way: nothing else follows.
          this.#lose(Object.assign(new Error(this.#reader.message), { code: `ER_${code}` }));
          return;
        }
        this.#setUpFailures++;
      }
    } else if (this.#done === null) {
      this.#loseUnasked();
      return;
    } else if (this.#takePart()) {
      return;
    }
    this.#expectNext();
  }

  askedForFile(sequence: number): void {
    // An empty packet says that there is none.
    this.#stream.write(Buffer.from([0, 0, 0, sequence]));
  }

  #take(chunk: Buffer, length: number): void {
    // A good-bye was said: what comes now is for nobody.
    if (this.#lost) return;
    if (this.#done === null && this.#owed === 0) this.#reader.expect('result');
    try {
      this.#reader.push(chunk, length);
    } catch (error) {
      // What a caller throws is not ours to catch.
      if (!isMalformed(error) || codeOf(error) === null) throw error;
      this.#lose(error);
    }
  }

  #reset(before: readonly string[], done: (answer: TargetAnswer) => void): void {
    const { guard, others, afterReset } = this.#settings;
    this.#isGuarded = false;
    const texts = [...(guard === null ? [] : [guard]), ...afterReset, ...others];
    this.#guardPart = guard === null ? -1 : 1;
    const counts = { before: before.length, parts: 1 + texts.length, behind: 0 };
    this.#send([...before.map(query), RESET, ...texts.map(query)], counts, 'result', done);
  }

  #send(
    packets: readonly Buffer[],
    counts: { readonly before: number; readonly parts: number; readonly behind: number },
    kind: AnswerKind,
    done: (answer: TargetAnswer) => void,
  ): void {
    if (this.#done !== null) throw new Error('The session is not done with the command before');
    this.#done = done;
    const answer = this.#answer;
    answer.code = 0;
    answer.message = '';
    answer.rows = 0;
    answer.changed = 0;
    this.#since = 0;
    if (this.#lost) {
      this.#answerLost('The connection is lost');
      return;
    }
    this.#kind = kind;
    this.#before = counts.before;
    this.#parts = counts.parts;
    this.#part = 0;
    this.#behind = counts.behind;
    this.#isLong = packets.some(isInSeveral);
    if (this.#owed === 0) this.#expectNext();
    this.#write(packets);
    this.#since = performance.now();
  }

  #write(packets: readonly Buffer[]): void {
    const [first] = packets;
    if (packets.length === 1 && this.#givenUp.length === 0 && first !== undefined) {
      if (first.length < LONG_WRITE) this.#stream.write(first);
      else this.#writeLong([first]);
      return;
    }
    const all = [...this.#givenUp, ...packets];
    this.#givenUp = [];
    if (all.some(({ length }) => length >= LONG_WRITE)) this.#writeLong(all);
    else this.#stream.write(Buffer.concat(all));
  }

  /** The time of a command begins when it is with the system. */
  #writeLong(packets: readonly Buffer[]): void {
    const done = this.#done;
    this.#stream.cork();
    for (const [index, packet] of packets.entries()) {
      this.#stream.write(packet, () => {
        freeAtOnce(packet);
        if (index === packets.length - 1 && this.#done === done) this.#since = performance.now();
      });
    }
    this.#stream.uncork();
  }

  #expectNext(): void {
    if (this.#owed > 0) this.#reader.expect('result');
    else this.#reader.expect(this.#before > 0 ? 'result' : this.#kind, this.#isLong ? -1 : 1);
  }

  /** @returns whether the command is done with. */
  #takePart(): boolean {
    const reader = this.#reader;
    const answer = this.#answer;
    if (answer.code === 0 && reader.code !== 0) {
      answer.code = reader.code;
      answer.message = reader.message;
    }
    answer.rows += reader.rows;
    answer.changed += reader.changed;
    if (reader.code !== 0 && this.#part === this.#guardPart) {
      this.#lost = true;
      this.#drop();
    } else if (++this.#part < this.#parts) {
      return false;
    }
    answer.statement = reader.statement;
    answer.placeholders = reader.placeholders;
    answer.isInTransaction = reader.isInTransaction;
    this.#owed = this.#behind;
    if (this.#owed > 0) this.#expectNext();
    this.#finish();
    return true;
  }

  #finish(): void {
    const done = this.#done;
    const answer = this.#answer;
    answer.micros = this.#since === 0 ? 0 : Math.round((performance.now() - this.#since) * 1_000);
    this.#done = null;
    done?.(answer);
  }

  /** The server said something that nobody asked for: why it ends the connection, or nothing that we know. */
  #loseUnasked(): void {
    const { code, message } = this.#reader;
    this.#lose(code === 0 ? closed() : Object.assign(new Error(message), { code: `ER_${code}` }));
  }

  #loseClosed(): void {
    // An error with its stack is dear for every connection that ends as it should.
    if (!this.#lost) this.#lose(closed());
  }

  #lose(error: unknown): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#answerLost(translateError(error, this.#address).message);
    this.#drop();
  }

  #drop(): void {
    drop(this.#loggedIn.connection, this.#loggedIn.socket);
  }

  /** Behind the event that it was lost in: whoever waits may have caused it. */
  #answerLost(message: string): void {
    if (this.#done === null) return;
    const answer = this.#answer;
    answer.code = -1;
    answer.message = message;
    answer.statement = 0;
    answer.placeholders = 0;
    answer.isInTransaction = null;
    queueMicrotask(() => this.#finish());
  }
}

/** Larger than what small buffers share. */
const OWN_MEMORY = 256 * 1024;

/** Gives a packet's memory back that was sent: the collector lets 64 MB of such lie around. */
function freeAtOnce({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= OWN_MEMORY) buffer.transfer(0);
}

const ALONE = { before: 0, parts: 1, behind: 0 };

function packetOf(command: Exclude<TargetCommand, { type: 'reset' }>): Buffer {
  switch (command.type) {
    case 'query':
      return query(command.text);
    case 'prepare':
      return prepare(command.text);
    case 'execute':
      return execute(command.statement, command.values);
    case 'use':
      return initDb(command.database);
  }
}
