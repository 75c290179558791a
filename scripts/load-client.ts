import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createConnection, type Connection, type PreparedStatementInfo } from 'mysql2/promise';

/** Which load: connections that buy things in a shop (see `SHOP_SCHEMA`). */
export interface LoadOptions {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly connections: number;
  /** Begins every tag; tags are `PREFIX-CONNECTION-NUMBER`, numbers from 1 without a hole. */
  readonly prefix: string;
  /** Ends by itself after about so many tagged statements of each connection; null: when told to. */
  readonly statements: number | null;
  /** Connects anew after about so many tagged statements. */
  readonly reconnectEvery: number;
  /** What a customer thinks between two visits to the shop, in milliseconds; absent: nothing. */
  readonly thinkMs?: number;
}

/** Commands of the protocol that the server writes to its log, by the kinds of a workload's records. */
export const COUNTED = ['connect', 'query', 'prepare', 'execute', 'close', 'quit'] as const;
export type Counted = (typeof COUNTED)[number];

export interface LoadReport {
  /** What was sent and acknowledged, by kind; `query` and `execute` are the tagged ones. */
  readonly sent: Readonly<Record<Counted, number>>;
  /** Tagged statements of each connection, in order of their numbers in the tags. */
  readonly tagged: readonly number[];
  readonly seconds: number;
}

/** The shop that the load needs. Run by an administrator, with several statements in one query. */
export const SHOP_SCHEMA = `
CREATE DATABASE shop CHARACTER SET utf8mb4;
USE shop;
CREATE TABLE shop.customers (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(80) NOT NULL,
  city VARCHAR(80) NOT NULL
) ENGINE=InnoDB;
CREATE TABLE shop.products (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(80) NOT NULL,
  price DECIMAL(8, 2) NOT NULL,
  stock INT NOT NULL
) ENGINE=InnoDB;
CREATE TABLE shop.orders (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  customer_id INT NOT NULL,
  product_id INT NOT NULL,
  quantity INT NOT NULL,
  note VARCHAR(80) NOT NULL,
  KEY (customer_id)
) ENGINE=InnoDB;
INSERT INTO shop.customers (name, city)
  WITH RECURSIVE seq AS (SELECT 1 AS seq UNION ALL SELECT seq + 1 FROM seq WHERE seq < 200)
  SELECT CONCAT('Customer ', seq), ELT(1 + seq MOD 4, 'Zürich', 'Ōsaka', 'Lagos', 'Lima') FROM seq;
INSERT INTO shop.products (name, price, stock)
  WITH RECURSIVE seq AS (SELECT 1 AS seq UNION ALL SELECT seq + 1 FROM seq WHERE seq < 50)
  SELECT CONCAT('Product ', seq), 1 + seq * 0.5, 1000000 FROM seq;
`;

/** Load that is running in a process of its own. */
export interface Load {
  readonly pid: number;
  /** Tells it to end, or waits for its own end. Every log row of its own is written by then. */
  stop(): Promise<LoadReport>;
  /** Waits for its own end. */
  whenDone(): Promise<LoadReport>;
  /** Ends the process at once; nothing happens when it has ended. */
  kill(): Promise<void>;
}

type ToChild = { readonly start: LoadOptions } | { readonly stop: true };
type ToParent =
  { readonly running: true } | { readonly report: LoadReport } | { readonly failure: string };

/**
 * Starts a load in a child process, and returns when every connection has sent something.
 * @throws Error when the server refuses it.
 */
export async function startLoad(options: LoadOptions): Promise<Load> {
  const child = fork(fileURLToPath(import.meta.url), [], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit').then(() => undefined);
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  const report = messageOf(child, ended, (message) =>
    'report' in message ? message.report : null,
  );
  report.catch(() => undefined);
  send(child, { start: options });
  try {
    await messageOf(child, ended, (message) => ('running' in message ? true : null));
  } catch (error) {
    await kill();
    throw error;
  }
  const whenDone = async (): Promise<LoadReport> => {
    const done = await report;
    await ended;
    return done;
  };
  return {
    pid: child.pid ?? 0,
    stop() {
      if (child.connected) send(child, { stop: true });
      return whenDone();
    },
    whenDone,
    kill,
  };
}

/** The tags that a load sent, each once. */
export function* tagsOf(prefix: string, report: LoadReport): Generator<string> {
  for (const [connection, count] of report.tagged.entries()) {
    for (let n = 1; n <= count; n++) yield `${prefix}-${connection}-${n}`;
  }
}

/** Everything that a load sent and the server writes to its log, of every kind. */
export function totalOf(report: LoadReport): number {
  return COUNTED.reduce((sum, kind) => sum + report.sent[kind], 0);
}

function send(child: ChildProcess, message: ToChild): void {
  child.send(message, () => undefined);
}

function messageOf<T>(
  child: ChildProcess,
  ended: Promise<void>,
  pick: (message: ToParent) => T | null,
): Promise<T> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: ToParent) => {
      const picked = pick(message);
      if (picked !== null) resolve(picked);
      if ('failure' in message) reject(new Error(`The load failed: ${message.failure}`));
    });
    void ended.then(() => reject(new Error('The load ended before it was done')));
  });
}

const BUY = 'INSERT INTO orders (customer_id, product_id, quantity, note) VALUES (?, ?, ?, ?)';
const FIND = 'SELECT id, name, price FROM products WHERE id = ? AND name <> ?';

/** One connection of the load: shops until it is told to stop, and counts what was acknowledged. */
class Shopper {
  readonly sent: Record<Counted, number> = {
    connect: 0,
    query: 0,
    prepare: 0,
    execute: 0,
    close: 0,
    quit: 0,
  };
  tagged = 0;
  readonly #options: LoadOptions;
  readonly #number: number;
  #turn = 0;

  constructor(options: LoadOptions, number: number) {
    this.#options = options;
    this.#number = number;
  }

  async shop(isOver: () => boolean, onFirst: () => void): Promise<void> {
    const { statements, reconnectEvery, thinkMs = 0 } = this.#options;
    const isDone = (): boolean => isOver() || (statements !== null && this.tagged >= statements);
    while (!isDone()) {
      const until = this.tagged + reconnectEvery;
      await this.#connected(async (connection) => {
        const buy = await this.#prepare(connection, BUY);
        const find = await this.#prepare(connection, FIND);
        do {
          await this.#visit(connection, buy, find);
          onFirst();
          if (thinkMs > 0) await delay(thinkMs);
        } while (!isDone() && this.tagged < until);
        await this.#close(buy);
        await this.#close(find);
      });
    }
  }

  async #connected(work: (connection: Connection) => Promise<void>): Promise<void> {
    const { port, user, password, database } = this.#options;
    const socket: Socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const closed = once(socket, 'close');
    const connection = await createConnection({ stream: socket, user, password, database });
    this.sent.connect++;
    await work(connection);
    await connection.end();
    this.sent.quit++;
    // The server writes the Quit to its log, then closes: from here on it is there.
    await closed;
  }

  /** One visit to the shop: a look, sometimes a statement of the day, and a purchase. */
  async #visit(
    connection: Connection,
    buy: PreparedStatementInfo,
    find: PreparedStatementInfo,
  ): Promise<void> {
    const turn = this.#turn++;
    const customer = 1 + ((turn * 7 + this.#number) % 200);
    const product = 1 + ((turn * 13 + this.#number) % 50);
    await this.#query(connection, `SELECT name, city FROM customers WHERE id = ${customer}`);
    await this.#execute(find, [product]);
    if (turn % 10 === 0) {
      await this.#query(connection, `SELECT COUNT(*) FROM orders WHERE customer_id = ${customer}`);
    }
    await this.#query(connection, 'START TRANSACTION');
    await this.#execute(buy, [customer, product, 1 + (turn % 3)]);
    await this.#query(connection, `UPDATE products SET stock = stock - 1 WHERE id = ${product}`);
    await this.#query(connection, turn % 20 === 19 ? 'ROLLBACK' : 'COMMIT');
  }

  #nextTag(): string {
    return `${this.#options.prefix}-${this.#number}-${this.tagged + 1}`;
  }

  async #query(connection: Connection, sql: string): Promise<void> {
    await connection.query(`${sql} /* ${this.#nextTag()} */`);
    this.sent.query++;
    this.tagged++;
  }

  /** The tag is the last value: the text of a prepared statement is the same each time. */
  async #execute(statement: PreparedStatementInfo, values: readonly number[]): Promise<void> {
    await statement.execute([...values, this.#nextTag()]);
    this.sent.execute++;
    this.tagged++;
  }

  async #prepare(connection: Connection, sql: string): Promise<PreparedStatementInfo> {
    const statement = await connection.prepare(sql);
    this.sent.prepare++;
    return statement;
  }

  async #close(statement: PreparedStatementInfo): Promise<void> {
    await statement.close();
    this.sent.close++;
  }
}

/** The child process: waits for its orders, shops, reports. */
async function main(): Promise<void> {
  let isOver = false;
  const options = await new Promise<LoadOptions>((resolve) => {
    process.on('message', (message: ToChild) => {
      if ('start' in message) resolve(message.start);
      else isOver = true;
    });
  });
  // A parent that is gone has no use for the load.
  process.on('disconnect', () => (isOver = true));
  // Ctrl-C on a terminal reaches the whole group: whoever started the load ends it.
  process.on('SIGINT', () => undefined);
  const tell = (message: ToParent): void => void process.send?.(message);
  const shoppers = Array.from({ length: options.connections }, (_, n) => new Shopper(options, n));
  const begun = new Set<Shopper>();
  const started = performance.now();
  try {
    await Promise.all(
      shoppers.map((shopper) =>
        shopper.shop(
          () => isOver,
          () => {
            if (begun.size === shoppers.length) return;
            begun.add(shopper);
            if (begun.size === shoppers.length) tell({ running: true });
          },
        ),
      ),
    );
    const sent = Object.fromEntries(
      COUNTED.map((kind) => [kind, shoppers.reduce((sum, one) => sum + one.sent[kind], 0)]),
    ) as Record<Counted, number>;
    const tagged = shoppers.map((shopper) => shopper.tagged);
    tell({ report: { sent, tagged, seconds: (performance.now() - started) / 1_000 } });
  } catch (error) {
    isOver = true;
    tell({ failure: error instanceof Error ? error.message : String(error) });
  }
  if (process.connected) process.disconnect();
}

if (import.meta.main) await main();
