import { setTimeout as delay } from 'node:timers/promises';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { ServerAddress } from '../../src/core/environments/environment.ts';
import type { LogSettings } from '../../src/source/mysql/log/log-settings.ts';
import type { OpenSource, Source } from '../../src/core/source.ts';
import type { LoggedStatement } from '../../src/core/workloads/statements.ts';
import { SwappedLog } from '../../src/source/mysql/log/swapped-log.ts';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import { FileSpool } from '../../src/workload/text-spool.ts';
import { startServer, type ServerOptions, type DatabaseServer } from './database-server.ts';
import { isInFull } from './proportion.ts';
import { SERVER, temporaryFolder } from './stores.ts';
import { recorderGrants } from './recorder-grants.ts';

/** A private server with an account that has exactly what the recorder needs, and no more. */
export interface RecorderServer extends DatabaseServer {
  readonly address: ServerAddress;
  /** Opens a log as the recorder's account; closed by `stop` when the test does not. */
  open(options?: { storeId?: string; address?: ServerAddress; logs?: Source }): Promise<SwappedLog>;
}

const PASSWORD_VARIABLE = 'CAPTURES_TEST_RECORDER_PASSWORD';

/** What every recorder's account in the tests has, with all that a shell, a file or SQL may trip over. */
export const RECORDER_PASSWORD = "recorder's \\ secret";

export async function startRecorderServer(options: ServerOptions = {}): Promise<RecorderServer> {
  process.env[PASSWORD_VARIABLE] = RECORDER_PASSWORD;
  const server = await startServer(options);
  const admin = await server.admin();
  await admin.query("CREATE USER recorder@'%' IDENTIFIED BY ?", [RECORDER_PASSWORD]);
  for (const grant of recorderGrants(server.family, "recorder@'%'")) await admin.query(grant);
  await admin.end();
  const address: ServerAddress = {
    ...SERVER,
    port: server.port,
    passwordFrom: `env:${PASSWORD_VARIABLE}`,
  };
  const opened = new Set<SwappedLog>();
  return {
    ...server,
    address,
    async open({ storeId = 'store-1', address: other = address, logs = mysqlSource } = {}) {
      const log = swappedLogOf(await logs.open(other, storeId, () => undefined));
      opened.add(log);
      return log;
    },
    async stop() {
      for (const log of opened) await log.close();
      await server.stop();
    },
  };
}

/** The log of a server that is not rotated, by generation. */
export function swappedLogOf(source: OpenSource): SwappedLog {
  if (!(source instanceof SwappedLog)) throw new Error('the log of this server is rotated');
  return source;
}

export async function rowsOf(admin: Connection, sql: string): Promise<RowDataPacket[]> {
  const [rows] = await admin.query<RowDataPacket[]>(sql);
  return rows;
}

/** Everything about a server that a recording must leave as it was. */
export async function stateOf(admin: Connection): Promise<unknown> {
  const [settings] = await rowsOf(
    admin,
    'SELECT @@GLOBAL.general_log, @@GLOBAL.log_output, @@GLOBAL.slow_query_log, @@GLOBAL.sql_log_off',
  );
  const [table] = await rowsOf(admin, 'SHOW CREATE TABLE mysql.general_log');
  const schemas = await rowsOf(admin, 'SHOW DATABASES');
  const [lock] = await rowsOf(admin, "SELECT IS_USED_LOCK('captures:tap') AS held");
  return { settings, table, schemas, lock };
}

/** Reads every frozen generation that is there, as a tap does: read, then drop. */
export async function drainFrozen(
  log: SwappedLog,
  options: { appendToOwners?: boolean } = {},
): Promise<LoggedStatement[]> {
  const statements: LoggedStatement[] = [];
  for (const generation of (await log.state()).unread) {
    statements.push(...(await readGeneration(log, generation)));
    if (options.appendToOwners === true) await log.appendToOwners(generation);
    await log.drop(generation);
  }
  return statements;
}

export async function readGeneration(
  log: SwappedLog,
  generation: number,
  skip = 0,
): Promise<LoggedStatement[]> {
  const statements: LoggedStatement[] = [];
  const spool = new FileSpool(temporaryFolder());
  for await (const batch of log.read(generation, { skip, spool })) {
    for (const statement of batch.statements) statements.push(await withWholeText(statement));
  }
  await spool.close();
  return statements;
}

/** A long statement as if it were an ordinary one. */
async function withWholeText({ long, ...statement }: LoggedStatement): Promise<LoggedStatement> {
  if (long === undefined) return statement;
  const pieces: Buffer[] = [];
  for await (const piece of long.pieces()) pieces.push(Buffer.from(piece));
  const text = Buffer.concat(pieces);
  return { ...statement, sql: text.toString(), bytes: long.isUtf8 ? null : text };
}

/** Opens, locks and installs: the server logs into generation 2 then, generation 1 is frozen. */
export async function startLogging(
  server: RecorderServer,
  options: Parameters<RecorderServer['open']>[0] = {},
): Promise<{ log: SwappedLog; settings: LogSettings; warnings: readonly string[] }> {
  const log = await server.open(options);
  await log.lock([]);
  const settings = await log.readSettings();
  const { warnings } = await log.install(settings, 1);
  return { log, settings, warnings };
}

/** Clients that send uniquely tagged statements until told to stop. */
export class TaggedLoad {
  readonly #clients: Connection[];
  readonly #sent: number[];
  readonly #loops: Promise<void>[];
  readonly #thinkMs: number;
  #isStopped = false;

  private constructor(clients: Connection[], thinkMs: number) {
    this.#clients = clients;
    this.#thinkMs = thinkMs;
    this.#sent = clients.map(() => 0);
    this.#loops = clients.map((client, index) => this.#run(client, index));
  }

  /** @param thinkMs what each waits between two statements; 0 is full speed. */
  static async start(
    server: DatabaseServer,
    connections: number,
    thinkMs = isInFull ? 0 : 2,
  ): Promise<TaggedLoad> {
    const clients: Connection[] = [];
    for (let i = 0; i < connections; i++) clients.push(await server.admin());
    return new TaggedLoad(clients, thinkMs);
  }

  /** Stops, and returns the tags of every statement that was answered. */
  async stop(): Promise<string[]> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
    for (const client of this.#clients) client.destroy();
    return this.#sent.flatMap((count, index) =>
      Array.from({ length: count }, (_, n) => `tag-${index}-${n}-`),
    );
  }

  get sent(): number {
    return this.#sent.reduce((sum, count) => sum + count, 0);
  }

  async #run(client: Connection, index: number): Promise<void> {
    for (let n = 0; !this.#isStopped; n++) {
      try {
        await client.query(`SELECT 'tag-${index}-${n}-'`);
      } catch {
        // The server died: what it has not answered does not count.
        return;
      }
      this.#sent[index] = n + 1;
      if (this.#thinkMs > 0) await delay(this.#thinkMs);
    }
  }
}

/** The tag in each text that has one, in order. */
export function tagsIn(texts: Iterable<string>): string[] {
  const tags: string[] = [];
  for (const text of texts) {
    const tag = /tag-\d+-\d+-/.exec(text)?.[0];
    if (tag !== undefined) tags.push(tag);
  }
  return tags;
}
