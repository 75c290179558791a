import { createConnection, type Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { RECORD_EVERYTHING, type RecordingOptions } from '../../src/core/recording-options.ts';
import { verifyWorkload, type Verification } from '../../src/cli/verifying.ts';
import { workloadFolder } from '../../src/cli/workloads.ts';
import { runDaemon } from '../../src/daemon/daemon.ts';
import { mysqlServerLogs } from '../../src/mysql/server-logs.ts';
import { openStore } from '../../src/store/store.ts';
import { TestStore } from '../support/stores.ts';
import { startRecorderServer, type RecorderServer } from './recorder-server.ts';

let server: RecorderServer;
let admin: Connection;
beforeAll(async () => {
  server = await startRecorderServer();
  admin = await server.admin();
  await admin.query(
    "CREATE DATABASE shop; CREATE TABLE shop.t (a INT AUTO_INCREMENT PRIMARY KEY, b TEXT); CREATE USER u2@'%' IDENTIFIED BY 'pw'; GRANT ALL ON *.* TO u2@'%'; CREATE PROCEDURE shop.p() BEGIN SELECT 1; SELECT 2; END; CREATE PROCEDURE shop.dynamic() BEGIN PREPARE s FROM 'SELECT 1'; EXECUTE s; DEALLOCATE PREPARE s; END",
  );
});
afterAll(async () => {
  await admin.end();
  await server.stop();
});

/** A capture of the server by a daemon in this process. */
class Recording {
  readonly test = new TestStore(systemClock);
  readonly alice = this.test.user('alice');
  readonly events: string[] = [];
  readonly id: number;
  #leaving = new AbortController();
  #done: Promise<void> = Promise.resolve();

  constructor(options: Partial<RecordingOptions> = {}) {
    const environment = this.test.environment({ admin: [this.alice] }, { server: server.address });
    this.id = this.test.capture(this.alice, environment, {
      options: { ...RECORD_EVERYTHING, ...options },
    }).id;
    this.startDaemon();
    recordings.push(this);
  }

  startDaemon(): void {
    this.#leaving = new AbortController();
    const store = openStore(this.test.store.directory);
    this.#done = runDaemon(
      {
        store,
        clock: systemClock,
        serverLogs: mysqlServerLogs,
        log: (_level, event, fields) =>
          this.events.push(`${event} ${JSON.stringify(fields ?? {})}`),
        hostname: 'here',
        pid: process.pid,
        programVersion: '0',
      },
      { background: false, graceMs: 600_000, signal: this.#leaving.signal },
    ).finally(() => store.close());
  }

  async until(status: string): Promise<void> {
    await vi.waitUntil(
      () => {
        const capture = this.test.store.captures.find(this.id);
        if (capture?.status === 'FAILED')
          throw new Error(`${capture.reason ?? ''} ${this.events.join()}`);
        return capture?.status === status;
      },
      { timeout: 30_000, interval: 20 },
    );
  }

  async stop(): Promise<void> {
    this.test.captures.requestStop(this.alice, String(this.id));
    await this.until('DONE');
  }

  async leave(): Promise<void> {
    this.#leaving.abort();
    await this.#done;
  }

  verify(): Promise<Verification> {
    const { store } = this.test;
    return verifyWorkload({
      capture: store.captures.find(this.id),
      recording: store.recordings.find(this.id),
      folder: workloadFolder(store, this.id),
      onProgress: () => undefined,
    });
  }
}

const recordings: Recording[] = [];
afterEach(async () => {
  for (const recording of recordings.splice(0)) {
    await recording.leave();
    recording.test.store.close();
  }
});

function client(options: { database?: string } = {}): Promise<Connection> {
  return createConnection({
    host: '127.0.0.1',
    port: server.port,
    user: 'root',
    multipleStatements: true,
    ...options,
  });
}

async function quietly(work: Promise<unknown>): Promise<void> {
  await work.catch(() => undefined);
}

/** Some of everything that a client can send, its login and its end included. */
async function chatter(): Promise<void> {
  const session = await client({ database: 'shop' });
  await session.query('SELECT 1');
  await session.query('SELECT 1; SELECT 2; SET @x = 3; SELECT "a;b", \'c;d\', `t`.a FROM t LIMIT 1');
  await session.query('SELECT 1;');
  await quietly(session.query('SELECT 1; -- a comment'));
  await quietly(session.query('SELEC 1'));
  await quietly(session.query('SELECT * FROM nowhere'));
  await quietly(session.query('/* nothing */'));
  await quietly(session.query(''));
  await session.query('CALL p()');
  for (let i = 0; i < 3; i++) await session.execute('INSERT INTO t (b) VALUES (?)', [`b${i};`]);
  session.unprepare('INSERT INTO t (b) VALUES (?)');
  await quietly(session.execute('SELECT * FROM nowhere WHERE a = ?', [1]));
  await session.query("PREPARE s FROM 'SELECT ?'; SET @a = 1");
  await session.query('EXECUTE s USING @a');
  await session.query("DEALLOCATE PREPARE s; EXECUTE IMMEDIATE 'SELECT 1'");
  await session.query('USE shop');
  await session.changeUser({ user: 'u2', password: 'pw', database: 'shop' });
  await quietly(client({ database: 'nowhere' }));
  const broken = await client();
  broken.destroy();
  await session.end();
}

test('what a quiet server received is the number that is recorded', async () => {
  const recording = new Recording();
  await recording.until('RUNNING');
  for (let i = 0; i < 5; i++) await chatter();
  await recording.stop();
  const found = await recording.verify();
  console.log(found.judgement, found.manifest?.heard, JSON.stringify(found.facts));
  expect(found.judgement.problems).toEqual([]);
  expect(found.judgement.verdict).toBe('whole');
});
