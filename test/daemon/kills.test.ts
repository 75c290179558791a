import { setTimeout as delay } from 'node:timers/promises';
import mysql, { type RowDataPacket } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startServer, type DatabaseServer } from '../support/database-server.ts';
import { BIN, endStarted, start, type RunningProcess } from '../support/processes.ts';
import { Bench, serverState, tagsOf } from '../support/recording-bench.ts';
import { isInFull, THINK_MS } from '../support/proportion.ts';
import { waitUntil } from '../support/waiting.ts';

let server: DatabaseServer;
beforeAll(async () => {
  server = await startServer();
});
afterEach(async () => {
  await endStarted();
  await Promise.allSettled(loads.splice(0).map((load) => load.stop()));
});
afterAll(async () => {
  await server.stop();
});

const SEED = Number(process.env['CAPTURES_TEST_SEED'] ?? Date.now() % 1_000_000);
/** A kill takes 2 s. */
const KILLS = isInFull ? { off: 40, on: 16 } : { off: 8, on: 4 };
const CONNECTIONS = 8;
const STATEMENTS_A_CONNECTION = 100;

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Those of a test that failed are ended as well, before the server is. */
const loads: Load[] = [];

/** Statements through both protocols, each with a tag of its own, with reconnects. */
class Load {
  readonly sent: string[] = [];
  readonly #runs: Promise<void>[];
  #isStopped = false;

  constructor(prefix: string) {
    this.#runs = Array.from({ length: CONNECTIONS }, (_, index) => this.#run(`${prefix}-${index}`));
    // Whoever waits for its end hears of a failure; until then it must not fail the whole run.
    for (const run of this.#runs) run.catch(() => undefined);
    loads.push(this);
  }

  async stop(): Promise<string[]> {
    this.#isStopped = true;
    await Promise.all(this.#runs);
    return this.sent;
  }

  async #run(prefix: string): Promise<void> {
    for (let i = 0; !this.#isStopped;) {
      const client = await mysql.createConnection({ socketPath: server.socket, user: 'root' });
      // A statement that fails rejects. A COM_QUIT is answered before it is sent (mysql2), and where
      // it cannot be ("write EPIPE") the connection says so to nobody: that would fail the whole run.
      client.on('error', () => undefined);
      const until = i + STATEMENTS_A_CONNECTION;
      for (; i < until; i++) {
        const tag = `${prefix}-${i}`;
        this.sent.push(tag);
        if (i % 2 === 0) await client.query(`SELECT '<${tag}>'`);
        else await client.execute('SELECT ? AS tag', [`<${tag}>`]);
        await delay(THINK_MS);
      }
      await client.end();
    }
  }
}

/** Daemons in processes of their own, one after the other, and how they end. */
class Victims {
  readonly #bench: Bench;
  readonly #random = randomOf(SEED);
  daemon: RunningProcess;
  kills = 0;
  terms = 0;

  constructor(bench: Bench) {
    this.#bench = bench;
    this.daemon = this.#start();
  }

  #start(): RunningProcess {
    return start(process.execPath, [BIN, 'daemon'], {
      env: { CAPTURES_HOME: this.#bench.test.store.directory },
    });
  }

  /** Ends this many daemons, each at a random moment of its life, and leaves one alive. */
  async end(count: number): Promise<void> {
    const { store } = this.#bench.test;
    for (const until = this.kills + count; this.kills < until;) {
      const { daemon } = this;
      // One of five before it records at all: while it opens its connections and catches up.
      if (this.#random() > 0.2) {
        await waitUntil(() => daemon.stderr().includes('"event":"log tapped"'));
        // The moment of a kill is what is being tried, not the wait for anything.
        await delay(20 + this.#random() * 580);
      } else {
        await waitUntil(() => daemon.stderr().includes('"event":"daemon active"'));
        await delay(this.#random() * 60);
      }
      const isPolite = this.#random() < 0.05;
      daemon.child.kill(isPolite ? 'SIGTERM' : 'SIGKILL');
      await daemon.ended;
      if (isPolite) this.terms++;
      else this.kills++;
      // Its time would run out in 3 s: a hundred times that is what nobody wants to wait for.
      store.lease.release(store.lease.find()?.holder ?? '');
      this.daemon = this.#start();
    }
  }
}

test.each([
  ['off', 'OFF', 'FILE', KILLS.off],
  ["on to the owner's own table", 'ON', 'TABLE', KILLS.on],
])(
  'with the log %s before, a daemon killed at any moment loses and doubles nothing',
  async (_what, general, output, kills) => {
    const admin = await server.admin();
    await admin.query(
      `SET GLOBAL general_log = OFF; SET GLOBAL log_output = '${output}'; TRUNCATE mysql.general_log`,
    );
    await admin.query(`SET GLOBAL general_log = ${general}`);
    await admin.query("SELECT '<before-0-0>'");
    const before = await serverState(server);
    const bench = new Bench(server);
    await bench.daemon.leave();
    const victims = new Victims(bench);
    const began = performance.now();

    // Two captures that overlap; the daemon dies in all three parts.
    const one = bench.capture('one');
    await bench.until(one.id, 'RUNNING');
    const alone = new Load('alone');
    await victims.end(kills / 4);
    await alone.stop();
    const two = bench.capture('two');
    await bench.until(two.id, 'RUNNING');
    const both = new Load('both');
    await victims.end(kills / 2);
    await both.stop();
    await bench.stop(one.id);
    const rest = new Load('rest');
    await victims.end(kills / 4);
    await rest.stop();
    await bench.stop(two.id);
    await waitUntil(() => bench.test.store.taps.list().length === 0);
    victims.daemon.child.kill('SIGTERM');
    expect((await victims.daemon.ended).status).toBe(0);
    const seconds = (performance.now() - began) / 1_000;
    const all = [...alone.sent, ...both.sent, ...rest.sent];
    console.log(
      `seed ${SEED}: ${victims.kills} kills, ${victims.terms} SIGTERMs, ${all.length} statements, ${seconds.toFixed(0)} s`,
    );

    for (const [id, expected] of [
      [one.id, [...alone.sent, ...both.sent]],
      [two.id, [...both.sent, ...rest.sent]],
    ] as const) {
      const records = await bench.records(id);
      expect(differences(tagsOf(records), expected)).toEqual([]);
      expect(records.every(({ seq }, index) => seq === index + 1)).toBe(true);
      const manifest = await bench.manifest(id);
      expect(manifest).toMatchObject({
        complete: true,
        gaps: [],
        counters: { records: records.length },
      });
    }
    expect(await serverState(server)).toEqual(before);
    if (general === 'ON') {
      const [rows] = await admin.query<RowDataPacket[]>(
        "SELECT argument FROM mysql.general_log WHERE command_type IN ('Query', 'Execute') AND argument LIKE 'SELECT _<%'",
      );
      const logged = rows.flatMap((row) => /<([\w-]+)>/.exec(String(row['argument']))?.[1] ?? []);
      expect(differences(logged, ['before-0-0', ...all])).toEqual([]);
    }
    await admin.query("SET GLOBAL general_log = OFF; SET GLOBAL log_output = 'FILE'");
    await admin.end();
  },
);

/** The tags that are not as often in the one list as in the other, ten at most. */
function differences(actual: readonly string[], expected: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const tag of expected) counts.set(tag, (counts.get(tag) ?? 0) - 1);
  for (const tag of actual) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count !== 0)
    .slice(0, 10)
    .map(([tag, count]) => `${tag}: ${count > 0 ? '+' : ''}${count}`);
}
