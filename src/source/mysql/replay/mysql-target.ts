import type { AllowServer } from '../../../core/environments/confinement.ts';
import type { ServerAddress } from '../../../core/environments/environment.ts';
import { AppError, messageOf } from '../../../core/errors.ts';
import {
  TargetRefused,
  type ReplayTarget,
  type PreparedTransaction,
  type TargetProgram,
  type TargetLogin,
  type TargetOptions,
  type TargetSession,
} from '../../../core/replays/target.ts';
import { resolvePassword } from '../connection/database-credentials.ts';
import { flavorOf, readIdentity, type MysqlIdentity } from '../connection/flavor.ts';
import { MysqlConnection, WHOLE_TABLE_MS } from '../connection/mysql-connection.ts';
import { prepareSession } from '../connection/recorder-session.ts';
import { enterServer, readLoginFiles, type LoginFiles } from '../connection/server-entry.ts';
import { codeOf, errnoOf } from '../connection/server-errors.ts';
import { sampleWithoutOwn } from '../connection/status-counters.ts';
import { StatementBreaker } from './statement-breaker.ts';
import { readAccessModeRisk, type AccessModeRisk } from './access-mode-guard.ts';
import { readLimits } from './target-limits.ts';
import { readPrepared } from './prepared-xa.ts';
import { readPrograms } from './target-programs.ts';
import { WireSession, type SessionSettings } from './wire-session.ts';

const CLOSE_MS = 1_000;
const NO_RISK: AccessModeRisk = { own: false, others: false };

interface Opened {
  readonly control: MysqlConnection;
  readonly breaker: StatementBreaker;
  readonly server: MysqlIdentity;
  readonly room: number;
  readonly longestText: number;
  readonly settings: Omit<SessionSettings, 'guardsEvery'>;
  readonly risk: AccessModeRisk;
  readonly files: LoginFiles;
}

interface Account {
  readonly address: ServerAddress;
  readonly password: string | null;
}

/** A MySQL or MariaDB server that a record is replayed to. */
export class MysqlTarget implements ReplayTarget {
  readonly server: MysqlIdentity;
  readonly room: number;
  readonly longestText: number;
  readonly #opened: Opened;
  readonly #address: ServerAddress;
  readonly #allow: AllowServer;
  readonly #signal: AbortSignal;
  /** Ends logins as well. */
  readonly #leaving = new AbortController();
  readonly #sessions = new Set<WireSession>();
  /** By user and reference: read once, whatever becomes of the file. */
  readonly #accounts = new Map<string, Promise<Account>>();
  #isClosed = false;
  #closing: Promise<void> | null = null;
  #onLastEnd = (): void => undefined;

  private constructor(
    opened: Opened,
    address: ServerAddress,
    allow: AllowServer,
    signal: AbortSignal,
  ) {
    this.#opened = opened;
    this.server = opened.server;
    this.room = opened.room;
    this.longestText = opened.longestText;
    this.#address = address;
    this.#allow = allow;
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort);
    if (signal.aborted) this.#onAbort();
  }

  /** @throws AppError `remote_failed`, `invalid` for a password that this process may not read. */
  static async open(
    address: ServerAddress,
    options: TargetOptions,
    allow: AllowServer,
    signal: AbortSignal,
  ): Promise<MysqlTarget> {
    const allowed = await allow(address);
    const password = await resolvePassword(allowed.passwordFrom);
    const files = await readLoginFiles(allowed);
    const connect = async (at: ServerAddress, until: AbortSignal): Promise<MysqlConnection> => {
      const connection = await MysqlConnection.open(at, password, undefined, undefined, until);
      try {
        await prepareSession(connection, readIdentity);
        return connection;
      } catch (error) {
        connection.destroy();
        throw error;
      }
    };
    const control = await connect(allowed, signal);
    try {
      const server = await readIdentity(control);
      // A server that offers no TLS is not asked twice.
      const reached = control.address;
      const breaker = new StatementBreaker(
        await connect(reached, signal),
        server.flavor === 'mariadb',
        (until) => connect(reached, AbortSignal.any([signal, until])),
      );
      try {
        const limits = await readLimits(control, allowed.user, options);
        const risk = options.readOnly ? await readAccessModeRisk(control) : NO_RISK;
        const opened = { control, breaker, server, files, risk, ...limits };
        return new MysqlTarget(opened, reached, allow, signal);
      } catch (error) {
        breaker.destroy();
        throw error;
      }
    } catch (error) {
      control.destroy();
      throw error;
    }
  }

  async openSession(login: TargetLogin): Promise<TargetSession> {
    const { files, risk } = this.#opened;
    const guardsEvery = login.account === null ? risk.own : risk.others;
    const settings = { ...this.#opened.settings, guardsEvery };
    try {
      const { address, password } = await this.#accountOf(login);
      if (this.#isClosed) throw new AppError('remote_failed', 'The replay is over');
      const session = await enterServer(
        {
          address,
          password,
          files,
          kind: 'replayed',
          onId: () => undefined,
          signal: this.#leaving.signal,
        },
        (loggedIn, reached) => {
          const session = new WireSession(loggedIn, reached, settings, (ended) =>
            this.#ended(ended),
          );
          this.#sessions.add(session);
          return session;
        },
      );
      await setUp(session);
      // Closed meanwhile.
      if (session.isLost) throw new TargetRefused(0, 'The connection was lost behind its login');
      return session;
    } catch (error) {
      if (error instanceof TargetRefused) throw error;
      if (error instanceof AppError && error.code !== 'remote_failed') throw error;
      throw new TargetRefused(refusalOf(error), messageOf(error), error);
    }
  }

  programs(): Promise<readonly TargetProgram[]> {
    return readPrograms(this.#opened.control);
  }

  async preparedTransactions(): Promise<readonly PreparedTransaction[] | null> {
    try {
      return await readPrepared(this.#opened.control, this.server.flavor);
    } catch {
      return null;
    }
  }

  async breakOff(session: TargetSession): Promise<void> {
    if (!session.isLost) await this.#opened.breaker.breakOff(session.id);
  }

  async isBlocked(session: TargetSession): Promise<boolean | null> {
    return session.isLost ? false : this.#opened.breaker.isBlocked(session.id);
  }

  async position(): Promise<string | null> {
    const { control } = this.#opened;
    try {
      return await control.value(`SELECT ${flavorOf(this.server.version).gtid}`);
    } catch (error) {
      if (control.isLost) throw error;
      return null;
    }
  }

  sampleCounters(): Promise<Record<string, number>> {
    return sampleWithoutOwn(this.#opened.control, null, null, null);
  }

  async now(): Promise<number> {
    const seconds = await this.#opened.control.value('SELECT UNIX_TIMESTAMP(SYSDATE(3))');
    return Math.round(Number(seconds) * 1_000);
  }

  async checksum(database: string, table: string): Promise<string | null> {
    const { control } = this.#opened;
    try {
      const name = `${quotedName(database)}.${quotedName(table)}`;
      const row = await control.row(`CHECKSUM TABLE ${name} EXTENDED`, WHOLE_TABLE_MS);
      return row?.[1] ?? null;
    } catch (error) {
      if (control.isLost) throw error;
      return null;
    }
  }

  close(within = CLOSE_MS): Promise<void> {
    this.#closing ??= this.#close(Math.min(within, CLOSE_MS));
    return this.#closing;
  }

  async #close(within: number): Promise<void> {
    this.#isClosed = true;
    this.#leaving.abort();
    const { control, breaker } = this.#opened;
    const working = control.isWaiting ? [control.id] : [];
    for (const session of this.#sessions) {
      session.close();
      // It would hear the good-bye behind what it is doing.
      if (session.wasCutOff) working.push(session.id);
    }
    let giveUp: ReturnType<typeof setTimeout> | undefined;
    const limit = new Promise<void>((resolve) => (giveUp = setTimeout(resolve, within)));
    const sessions = new Promise<void>((resolve) => {
      this.#onLastEnd = resolve;
      if (this.#sessions.size === 0) resolve();
    });
    await Promise.race([Promise.all([control.close(), breaker.close(working), sessions]), limit]);
    clearTimeout(giveUp);
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#destroy();
  }

  #ended(session: WireSession): void {
    this.#sessions.delete(session);
    if (this.#sessions.size === 0) this.#onLastEnd();
  }

  readonly #onAbort = (): void => {
    this.#isClosed = true;
    this.#leaving.abort();
    this.#destroy();
  };

  #destroy(): void {
    for (const session of this.#sessions) session.destroy();
    this.#opened.control.destroy();
    this.#opened.breaker.destroy();
  }

  #accountOf({ account }: TargetLogin): Promise<Account> {
    const { user, passwordFrom } = account ?? this.#address;
    const key = JSON.stringify([user, passwordFrom]);
    let found = this.#accounts.get(key);
    if (found === undefined) {
      found = this.#readAccount({ ...this.#address, user, passwordFrom });
      this.#accounts.set(key, found);
    }
    return found;
  }

  async #readAccount(address: ServerAddress): Promise<Account> {
    const allowed = await this.#allow(address);
    return { address: allowed, password: await resolvePassword(allowed.passwordFrom) };
  }
}

/** @throws TargetRefused. */
function setUp(session: WireSession): Promise<void> {
  return new Promise((resolve, reject) => {
    session.setUp(({ code, message }) => {
      if (code === 0) {
        resolve();
        return;
      }
      session.destroy();
      reject(new TargetRefused(Math.max(code, 0), message));
    });
  });
}

/** The server's number; what the system says of a server that is not reached has a number as well. */
function refusalOf(error: unknown): number {
  const number = errnoOf(error);
  return number === null || number <= 0 || codeOf(error)?.startsWith('ER_') !== true ? 0 : number;
}

function quotedName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
