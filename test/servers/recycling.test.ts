import { Worker } from 'node:worker_threads';
import { createConnection, type Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { chosenServer } from '../../scripts/server-programs.ts';
import { MysqlConnection } from '../../src/source/mysql/connection/mysql-connection.ts';
import { endFree } from '../../src/source/mysql/log/session-ending.ts';
import {
  RECORDER_PASSWORD,
  rowsOf,
  startRecorderServer,
  type RecorderServer,
} from '../support/recorder-server.ts';
import { waitUntil } from '../support/waiting.ts';
import { needs } from '../support/skips.ts';

const isMysql = chosenServer(() => undefined).family === 'mysql';

/** A server says that a login went well before it waits for the first command. */
const ASLEEP = "SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ? AND COMMAND = 'Sleep'";

/**
 * Does its statement at the instant at which it is told to, while this thread waits: between the list of
 * idle sessions and the KILL no other code of this thread runs.
 */
const OTHER_THREAD = `
const { workerData } = require('node:worker_threads');
const { createConnection } = require('mysql2/promise');
const { port, statement, until, turn, asleep } = workerData;
(async () => {
  const config = { host: '127.0.0.1', port, user: 'root' };
  const [one, other] = [await createConnection(config), await createConnection(config)];
  one.on('error', () => undefined);
  for (;;) {
    const [rows] = await other.query(asleep.replace('?', String(one.threadId)));
    if (rows.length > 0) break;
  }
  Atomics.store(turn, 1, one.threadId);
  Atomics.notify(turn, 1);
  Atomics.wait(turn, 0, 0);
  const by = statement.startsWith('KILL') ? other : one;
  by.query(statement.replace('?', String(one.threadId))).catch(() => undefined);
  for (;;) {
    const [rows] = await other.query(until.replace('?', String(one.threadId)));
    if (rows.length > 0) break;
  }
  const [[status]] = await other.query("SHOW GLOBAL STATUS LIKE 'Queries'");
  Atomics.store(turn, 2, Number(status.Value));
  Atomics.store(turn, 0, 2);
  Atomics.notify(turn, 0);
})();
`;

// MySQL logs everybody's values, whenever they prepared: nobody's session is ended there.
describe(
  'a session that was idle when it was listed',
  needs(!isMysql, 'it is of MariaDB only'),
  () => {
    let server: RecorderServer;
    let recorder: MysqlConnection;
    let admin: Connection;
    const workers: Worker[] = [];

    beforeAll(async () => {
      server = await startRecorderServer();
      admin = await server.admin();
      await admin.query("INSTALL SONAME 'metadata_lock_info'");
      await admin.query("GRANT CONNECTION ADMIN ON *.* TO recorder@'%'");
      await admin.query("CREATE USER app@'127.0.0.1'");
      recorder = await MysqlConnection.open(server.address, RECORDER_PASSWORD);
    });
    afterEach(async () => {
      for (const worker of workers.splice(0)) await worker.terminate();
    });
    afterAll(async () => {
      await recorder.close();
      await admin.end();
      await server.stop();
    });

    /**
     * @param meanwhile done behind the list; answers with Queries then, where others sent statements.
     * @returns the sessions that were ended, and what Queries says beyond what was told of.
     */
    async function endOne(
      target: number,
      meanwhile: () => number | null,
    ): Promise<{ ended: number[]; uncounted: number }> {
      let inside = 0;
      let before = await queries();
      const ended = await endFree(
        recorder,
        ({ id }) => {
          if (id !== target) return false;
          const then = meanwhile();
          // The next is the statement that ends the session.
          before = then ?? before + 1;
          return true;
        },
        1,
        (statements) => (inside += statements),
      );
      const after = await queries();
      return {
        ended: ended.map(({ session }) => session),
        uncounted: after - before - 2 - inside,
      };
    }

    const queries = async (): Promise<number> =>
      Number((await recorder.row("SHOW GLOBAL STATUS LIKE 'Queries'"))?.[1]);

    /** A session that does something at the instant that is asked for. */
    async function sessionThat(
      statement: string,
      until: string,
    ): Promise<{ id: number; meanwhile: () => number }> {
      const turn = new Int32Array(new SharedArrayBuffer(12));
      const workerData = { port: server.port, statement, until, turn, asleep: ASLEEP };
      workers.push(new Worker(OTHER_THREAD, { eval: true, workerData }));
      await Atomics.waitAsync(turn, 1, 0).value;
      return {
        id: Atomics.load(turn, 1),
        meanwhile: () => {
          Atomics.store(turn, 0, 1);
          Atomics.notify(turn, 0);
          // A thread that died would be waited for without end.
          if (Atomics.wait(turn, 0, 1, 30_000) === 'timed-out') throw new Error('no answer');
          return Atomics.load(turn, 2);
        },
      };
    }

    test('and still is, is ended', async () => {
      const idle = await createConnection({ host: '127.0.0.1', port: server.port, user: 'app' });
      idle.on('error', () => undefined);
      await waitUntil(
        async () => (await rowsOf(admin, ASLEEP.replace('?', String(idle.threadId)))).length > 0,
      );
      expect(await endOne(idle.threadId, () => null)).toEqual({
        ended: [idle.threadId],
        uncounted: 0,
      });
    });

    test('and works again, lives on', async () => {
      const { id, meanwhile } = await sessionThat(
        'SELECT SLEEP(60)',
        "SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ? AND INFO LIKE 'SELECT SLEEP%'",
      );
      expect(await endOne(id, meanwhile)).toEqual({ ended: [], uncounted: 0 });
      const there = `SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ${id}`;
      expect(await rowsOf(admin, there)).toHaveLength(1);
    });

    test('and is gone by itself, is not counted among those that were ended', async () => {
      const { id, meanwhile } = await sessionThat(
        'KILL ?',
        'SELECT 1 FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ?)',
      );
      expect(await endOne(id, meanwhile)).toEqual({ ended: [], uncounted: 0 });
    });
  },
);
