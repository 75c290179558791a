import { resolve } from 'node:path';
import mysql, { type Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  RECORD_EVERYTHING,
  type RecordingOptions,
} from '../../src/core/captures/recording-options.ts';
import type { StatementRecord } from '../../src/core/workloads/statements.ts';
import { startServer, type DatabaseServer } from '../support/database-server.ts';
import { start, type RunningProcess } from '../support/processes.ts';
import { Bench } from '../support/recording-bench.ts';
import type { Manifest } from '../../src/core/workloads/workload.ts';
import { waitUntil } from '../support/waiting.ts';

const DAEMON_CHILD = resolve(import.meta.dirname, 'daemon-child.ts');

let server: DatabaseServer;
beforeAll(async () => {
  server = await startServer();
  const admin = await server.admin();
  await admin.query(`
    CREATE DATABASE shop; CREATE DATABASE other; CREATE TABLE shop.t (c INT);
    CREATE TABLE other.t (c INT); CREATE PROCEDURE shop.p() INSERT INTO shop.t VALUES (0);
    CREATE USER app_a@'%', app_b@'%', job@'%';
    GRANT ALL ON *.* TO app_a@'%', app_b@'%', job@'%'`);
  await admin.end();
});
afterAll(async () => {
  await server.stop();
});

interface Recorded {
  readonly records: readonly StatementRecord[];
  readonly manifest: Manifest;
  readonly skipped: Readonly<Record<string, number>>;
}

class FilterBench extends Bench {
  /** Captures with these options that are all RUNNING. */
  async run<K extends string>(
    options: Record<K, Partial<RecordingOptions>>,
  ): Promise<Record<K, number>> {
    const ids = Object.entries<Partial<RecordingOptions>>(options).map(
      ([name, one]) => [name, this.capture(undefined, one).id] as const,
    );
    for (const [, id] of ids) await this.until(id, 'RUNNING');
    return Object.fromEntries(ids) as Record<K, number>;
  }

  /** What a capture that is DONE recorded. */
  async read(id: number): Promise<Recorded> {
    await this.until(id, 'DONE');
    const [records, manifest] = [await this.records(id), await this.manifest(id)];
    // What holds of every capture, whatever it leaves out.
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1));
    expect(manifest.counters.records).toBe(records.length);
    expect(manifest.counters.statements).toBe(records.filter(isToRun).length);
    expect(this.test.store.captures.find(id)?.records).toBe(records.length);
    return { records, manifest, skipped: manifest.counters.skipped };
  }

  async endAll<K extends string>(ids: Record<K, number>): Promise<Record<K, Recorded>> {
    for (const id of Object.values<number>(ids)) {
      this.test.captures.requestStop(this.alice, String(id));
    }
    const ended: [string, Recorded][] = [];
    for (const [name, id] of Object.entries<number>(ids)) ended.push([name, await this.read(id)]);
    return Object.fromEntries(ended) as Record<K, Recorded>;
  }
}

function connect(user: string, database?: string): Promise<Connection> {
  return mysql.createConnection({
    socketPath: server.socket,
    user,
    multipleStatements: true,
    ...(database === undefined ? {} : { database }),
  });
}

function isToRun({ kind, flags }: StatementRecord): boolean {
  return (kind === 'query' || kind === 'execute') && flags?.includes('echo') !== true;
}

/** What is prepared, as the PREPARE's own row has it: MySQL's goes with every class. */
const PREPARE_READ = { mariadb: "PREPARE r FROM 'SELECT ?'", mysql: 'PREPARE r FROM ...' };

/** A text of three statements: MySQL logs each of them with the `;` that ends it. */
const ONE_TEXT = {
  mariadb: ['BEGIN; UPDATE shop.t SET c = 3; COMMIT'],
  mysql: ['BEGIN;', 'UPDATE shop.t SET c = 3;', 'COMMIT'],
};

/** The same whatever their number in a capture. */
const withoutSeq = (records: readonly StatementRecord[]): StatementRecord[] =>
  records.map((record) => ({ ...record, seq: 0 }));

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** Sessions of several users in several databases, with everything that a filter looks at. */
async function playScript(): Promise<void> {
  const a = await connect('app_a', 'shop');
  const b = await connect('app_b', 'other');
  const job = await connect('job');
  await a.query('SET @x = 1');
  await a.execute('INSERT INTO t VALUES (?)', [1]);
  await b.execute('SELECT c FROM t WHERE c = ?', [2]);
  await b.query('/* to the shop */ USE shop');
  await b.query('SELECT c FROM t /* b in shop */');
  await job.query('SELECT 1 /* job nowhere */');
  await job.query('USE `Shop`').catch(() => undefined);
  await job.query('BEGIN; UPDATE shop.t SET c = 3; COMMIT');
  await job.changeUser({ user: 'app_a', database: 'other' });
  await job.query('DELETE FROM t /* app_a, before job */');
  await a.query("PREPARE r FROM 'SELECT ?'");
  await a.query("SET @w = 'INSERT INTO t VALUES (?)'");
  await a.query('PREPARE w FROM @w');
  await a.query('EXECUTE r USING @x');
  await a.query('EXECUTE w USING @x');
  await a.query('DEALLOCATE PREPARE r');
  await b.query('USE other');
  await b.query('CALL shop.p()');
  await b.query('TRUNCATE TABLE t');
  await b.query('(SELECT 4) UNION (SELECT 5)');
  await a.query('SELEC nonsense').catch(() => undefined);
  await a.query('FLUSH STATUS');
  for (const client of [a, b, job]) await client.end();
}

describe('captures of one server at one time', () => {
  const FILTERS = {
    everything: {},
    users: { includeUsers: ['app_*'] },
    notB: { excludeUsers: ['app_b'] },
    onlyB: { includeUsers: ['app_*'], excludeUsers: ['app_a'] },
    hosts: { includeHosts: ['LOCAL*'] },
    noHosts: { includeHosts: ['10.*'] },
    shop: { includeDatabases: ['SHOP'] },
    notShop: { excludeDatabases: ['sh?p'] },
    reads: { only: ['reads'] },
    writes: { only: ['writes'] },
    ddl: { only: ['ddl'] },
    mixed: { includeUsers: ['app_?'], includeDatabases: ['other'], only: ['reads', 'ddl'] },
    sample: { sample: 2 },
  } satisfies Record<string, Partial<RecordingOptions>>;
  type Name = keyof typeof FILTERS;
  let recorded: Record<Name, Recorded>;
  let whole: readonly StatementRecord[];

  beforeAll(async () => {
    const bench = new FilterBench(server);
    const ids = await bench.run(FILTERS);
    await playScript();
    recorded = await bench.endAll(ids);
    whole = recorded.everything.records;
    await bench.daemon.leave();
  });

  const textsOf = (name: Name): string[] =>
    recorded[name].records.filter(({ kind }) => kind !== 'connect').map(({ sql }) => sql);

  /** Whether a capture has exactly the rows of which this is true, in their order. */
  function expectRows(name: Name, isIn: (record: StatementRecord) => boolean): void {
    expect(withoutSeq(recorded[name].records)).toEqual(withoutSeq(whole.filter(isIn)));
  }

  it('have rows that add up to those of one without a filter', () => {
    expect(recorded.everything.skipped).toEqual({});
    for (const { records, skipped, manifest } of Object.values(recorded)) {
      expect(records.length + sum(skipped)).toBe(whole.length);
      expect(manifest.counters.statements + (manifest.counters.leftOut?.statements ?? 0)).toBe(
        recorded.everything.manifest.counters.statements,
      );
    }
  });

  it('say in their manifests what was asked for', () => {
    for (const [name, options] of Object.entries<Partial<RecordingOptions>>(FILTERS)) {
      expect(recorded[name as Name].manifest.options).toEqual({ ...RECORD_EVERYTHING, ...options });
    }
  });

  it('have the rows of their users, as whom a session stands at each row', () => {
    expectRows('users', ({ user }) => user === 'app_a' || user === 'app_b');
    expectRows('notB', ({ user }) => user !== 'app_b');
    expectRows('onlyB', ({ user }) => user === 'app_b');
    expect(textsOf('users')).toContain('DELETE FROM t /* app_a, before job */');
    expect(textsOf('users')).not.toContain('SELECT 1 /* job nowhere */');
    expect(Object.keys(recorded.onlyB.skipped)).toEqual(['user']);
  });

  it('have the rows of their hosts', () => {
    expectRows('hosts', () => true);
    expectRows('noHosts', () => false);
    expect(recorded.noHosts.skipped).toEqual({ host: whole.length });
    expect(recorded.noHosts.manifest.complete).toBe(true);
  });

  it('have the statements in their databases, and what leads there', () => {
    const isOfSession = ({ kind }: StatementRecord): boolean =>
      ['connect', 'change_user', 'init_db', 'quit'].includes(kind);
    const goesToShop = ({ sql }: StatementRecord): boolean => /USE `?shop/i.test(sql);
    expectRows(
      'shop',
      (record) => isOfSession(record) || record.db?.toLowerCase() === 'shop' || goesToShop(record),
    );
    expect(textsOf('shop')).toContain('SELECT c FROM t /* b in shop */');
    expect(textsOf('shop')).toContain('USE other');
    expectRows(
      'notShop',
      (record) =>
        isOfSession(record) || record.db?.toLowerCase() !== 'shop' || record.sql === 'USE other',
    );
    expect(Object.keys(recorded.shop.skipped)).toEqual(['database']);
  });

  it('have the statements of their classes, whatever the protocol', () => {
    const readings = [
      'SET @x = 1',
      'SELECT c FROM t WHERE c = ?',
      'SELECT c FROM t WHERE c = 2',
      '/* to the shop */ USE shop',
      'SELECT c FROM t /* b in shop */',
      'SELECT 1 /* job nowhere */',
      'USE `Shop`',
      PREPARE_READ[server.family],
      'SELECT ?',
      "SET @w = 'INSERT INTO t VALUES (?)'",
      'PREPARE w FROM @w',
      'EXECUTE r USING @x',
      // MySQL prepares it again: its parameter turned out to be a number.
      ...(server.family === 'mysql' ? ['SELECT ?'] : []),
      'SELECT 1',
      'DEALLOCATE PREPARE r',
      'USE other',
      '(SELECT 4) UNION (SELECT 5)',
    ];
    const statementsOf = (name: Name): string[] =>
      recorded[name].records
        .filter(({ kind }) => ['query', 'prepare', 'execute', 'close'].includes(kind))
        .map(({ sql }) => sql);
    expect(statementsOf('reads')).toEqual(readings);
    expect(statementsOf('writes')).toEqual([
      'SET @x = 1',
      'INSERT INTO t VALUES (?)',
      'INSERT INTO t VALUES (1)',
      '/* to the shop */ USE shop',
      'USE `Shop`',
      ...ONE_TEXT[server.family],
      'DELETE FROM t /* app_a, before job */',
      ...(server.family === 'mysql' ? [PREPARE_READ.mysql] : []),
      "SET @w = 'INSERT INTO t VALUES (?)'",
      'PREPARE w FROM @w',
      'INSERT INTO t VALUES (?)',
      'EXECUTE w USING @x',
      'INSERT INTO t VALUES (1)',
      'USE other',
      'CALL shop.p()',
    ]);
    expect(statementsOf('ddl').filter((sql) => !/^(?:SET|USE|PREPARE|\/\*)/.test(sql))).toEqual([
      'TRUNCATE TABLE t',
    ]);
    expect(Object.keys(recorded.reads.skipped)).toEqual(['class']);
  });

  it('can have several filters at once', () => {
    expect(textsOf('mixed').filter((sql) => sql !== '')).toEqual([
      'SELECT c FROM t WHERE c = ?',
      'SELECT c FROM t WHERE c = 2',
      '/* to the shop */ USE shop',
      ...whole.filter(({ kind }) => kind === 'change_user').map(({ sql }) => sql),
      'USE other',
      'TRUNCATE TABLE t',
      '(SELECT 4) UNION (SELECT 5)',
    ]);
    expect(Object.keys(recorded.mixed.skipped).sort()).toEqual(['class', 'database', 'user']);
  });

  it('have whole sessions of a sample', () => {
    const inSample = new Set(recorded.sample.records.map(({ session }) => session));
    expectRows('sample', ({ session }) => inSample.has(session));
    const { sessions, leftOut } = recorded.sample.manifest.counters;
    expect(sessions + (leftOut?.sessions ?? 0)).toBe(new Set(whole.map((r) => r.session)).size);
  });
});

describe('a daemon that is killed while it records what was chosen', () => {
  it('chooses the same after it, and counts everything once', async () => {
    const bench = new FilterBench(server);
    await bench.daemon.leave();
    let daemon = startChild(bench);
    const ids = await bench.run({
      everything: {},
      sample: { sample: 3 },
      writes: { includeUsers: ['app_*'], only: ['writes'] },
    });
    const load = startLoad();
    for (let kill = 0; kill < 2; kill++) {
      const before = bench.test.store.captures.find(ids.sample)?.records ?? 0;
      await waitUntil(() => (bench.test.store.captures.find(ids.sample)?.records ?? 0) > before);
      daemon.child.kill('SIGKILL');
      await daemon.ended;
      daemon = startChild(bench);
    }
    await load.stop();
    const { everything, sample, writes } = await bench.endAll(ids);
    daemon.child.kill('SIGKILL');
    await daemon.ended;

    const whole = everything.records;
    const isOfWrites =
      server.family === 'mysql' ? /INSERT|EXECUTE w|PREPARE [rw]/ : /INSERT|EXECUTE w|PREPARE w/;
    expect(whole.filter(isToRun).length).toBeGreaterThan(500);
    const inSample = new Set(sample.records.map(({ session }) => session));
    expect(withoutSeq(sample.records)).toEqual(
      withoutSeq(whole.filter(({ session }) => inSample.has(session))),
    );
    expect(sample.skipped).toEqual({ sample: whole.length - sample.records.length });
    const sessions = new Set(whole.map(({ session }) => session)).size;
    expect(sample.manifest.counters.leftOut?.sessions).toBe(sessions - inSample.size);
    expect(withoutSeq(writes.records)).toEqual(
      withoutSeq(
        whole.filter(
          ({ user, kind, sql }) =>
            user?.startsWith('app_') === true &&
            (kind === 'connect' || kind === 'quit' || isOfWrites.test(sql)),
        ),
      ),
    );
    expect(writes.records.length + sum(writes.skipped)).toBe(whole.length);
  });
});

function startChild(bench: Bench): RunningProcess {
  return start(process.execPath, [DAEMON_CHILD, bench.test.store.directory]);
}

/** Short sessions of three users, one after another, some with statements prepared by name. */
function startLoad(): { stop: () => Promise<void> } {
  let isStopped = false;
  const run = async (user: string): Promise<void> => {
    for (let i = 0; !isStopped; i++) {
      const client = await connect(user, 'shop');
      await client.query(`PREPARE r FROM 'SELECT ${i}'`);
      await client.query(`PREPARE w FROM 'INSERT INTO t VALUES (${i})'`);
      for (let n = 0; n < 10; n++) {
        await client.query('EXECUTE w');
        await client.query('EXECUTE r');
        await client.execute('INSERT INTO t VALUES (?)', [n]);
        await client.query(`SELECT ${n}`);
      }
      await client.end();
    }
  };
  const runs = Promise.all(['app_a', 'app_b', 'job'].map(run));
  return {
    stop: async () => {
      isStopped = true;
      await runs;
    },
  };
}
