import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LogSettings } from '../../src/source/mysql/log/log-settings.ts';
import type { SwappedLog } from '../../src/source/mysql/log/swapped-log.ts';
import { startCuttingProxy, type CuttingProxy } from './cutting-proxy.ts';
import {
  drainFrozen,
  rowsOf,
  startLogging,
  startRecorderServer,
  stateOf,
  TaggedLoad,
  tagsIn,
  type RecorderServer,
} from '../support/recorder-server.ts';
import { isInFull } from '../support/proportion.ts';
import { waitUntil } from '../support/waiting.ts';

let server: RecorderServer;
let admin: Connection;
let proxy: CuttingProxy;

beforeAll(async () => {
  server = await startRecorderServer();
  admin = await server.admin();
  await admin.query('SET SESSION sql_log_off = 1');
  proxy = await startCuttingProxy(server.port);
});
afterAll(async () => {
  await proxy.stop();
  await admin.end();
  await server.stop();
});

const MOMENTS = ['before', 'after'] as const;

/**
 * Between the two moments a step of four has the server in every second state, for before a message it is
 * as after the one in front.
 */
const STEP = isInFull ? 1 : 4;
const FIRST = { before: 1, after: isInFull ? 1 : 2 } as const;

/**
 * Does `work` through the proxy, which cuts at a message behind the opening of the log: until then nothing
 * on the server is changed. @returns whether it was cut.
 */
async function interrupted(
  message: number,
  when: 'before' | 'after',
  work: (log: SwappedLog) => Promise<void>,
): Promise<boolean> {
  const address = { ...server.address, port: proxy.port };
  proxy.cutAt(Infinity, when);
  const log = await server.open({ address });
  proxy.cutAt(message, when);
  try {
    await log.lock([]);
    await work(log);
  } catch (error) {
    expect(error).toMatchObject({ code: 'remote_failed' });
    expect(proxy.wasCut).toBe(true);
  }
  await log.close();
  await whenAlone();
  return proxy.wasCut;
}

/** Waits until the server has noticed that the recorder's connections are gone: some milliseconds. */
async function whenAlone(): Promise<void> {
  const others = "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'recorder'";
  while ((await rowsOf(admin, others)).length > 0) await delay(3);
}

async function setLog(generalLog: string, logOutput: string): Promise<void> {
  await admin.query(
    `SET GLOBAL general_log = OFF; SET GLOBAL log_output = '${logOutput}'; TRUNCATE mysql.general_log;
     SET GLOBAL general_log = ${generalLog}`,
  );
}

let nextTag = 0;
/** Sends a statement that is in no other row, on a connection of its own. */
async function sendTag(): Promise<string> {
  const tag = `tag-0-${nextTag++}-`;
  const client = await server.admin();
  await client.query(`SELECT '${tag}'`);
  await client.end();
  return tag;
}

async function tagsInOwners(): Promise<string[]> {
  const rows = await rowsOf(admin, 'SELECT argument FROM mysql.general_log');
  return tagsIn(rows.map((row) => String(row['argument'])));
}

describe.each([
  ['OFF', 'FILE'],
  ['ON', 'TABLE'],
])('with general_log %s to %s, a crash', (general, output) => {
  const logsToTable = general === 'ON';

  test.each(MOMENTS)('%s any message of an installation can be repaired', async (when) => {
    await setLog(general, output);
    const before = await stateOf(admin);
    for (let message: number = FIRST[when]; ; message += STEP) {
      await admin.query(
        `SET GLOBAL general_log = OFF; TRUNCATE mysql.general_log; SET GLOBAL general_log = ${general}`,
      );
      let settings: LogSettings | null = null;
      const wasCut = await interrupted(message, when, async (log) => {
        settings = await log.readSettings();
        await log.install(settings, 1);
      });
      const tags = [await sendTag()];

      const log = await server.open();
      await log.lock([]);
      settings ??= await log.readSettings();
      const recorded: string[] = [];
      const drain = async (): Promise<void> => {
        const statements = await drainFrozen(log, { appendToOwners: true });
        recorded.push(...tagsIn(statements.map(({ sql }) => sql)));
      };
      // A tap reads what is frozen first and installs the next generation; one that knew of no
      // earlier attempt would install the same generation again, on top of what is frozen.
      const { unread: frozen } = await log.state();
      const isRead = Math.ceil(message / STEP) % 2 === 0;
      const generation = isRead ? (frozen.at(-1) ?? 0) + 1 : 1;
      if (isRead) await drain();
      const { generation: live } = await log.install(settings, generation);
      tags.push(await sendTag());
      await log.swap(live);
      await drain();
      // What was sent while nothing was installed may be missing; what came after may not.
      expect(recorded).toContain(tags[1]);
      expect(new Set(recorded).size).toBe(recorded.length);
      expect(await log.restore(settings, live + 1)).toEqual([]);
      await log.close();
      await whenAlone();
      if (logsToTable) expect(await tagsInOwners()).toEqual(tags);
      expect(await stateOf(admin)).toEqual(before);
      if (!wasCut) break;
    }
  });

  test.each(MOMENTS)('%s any message of a drain loses and doubles nothing', async (when) => {
    await setLog(general, output);
    const before = await stateOf(admin);
    const first = await startLogging(server);
    await drainFrozen(first.log, { appendToOwners: true });
    await first.log.close();
    const { settings } = first;
    const sent: string[] = [];
    const recorded: string[] = [];
    let generation = 2;
    for (let message: number = FIRST[when]; ; message += STEP) {
      sent.push(await sendTag());
      // A drain's cursor: what was read of a generation that was not dropped is read again.
      const read = new Map<number, string[]>();
      const wasCut = await interrupted(message, when, async (log) => {
        await log.swap(generation);
        for (const number of (await log.state()).unread) {
          const statements = [];
          for await (const batch of log.read(number)) statements.push(...batch.statements);
          await log.appendToOwners(number);
          read.set(number, tagsIn(statements.map(({ sql }) => sql)));
          await log.drop(number);
          recorded.push(...(read.get(number) ?? []));
          read.delete(number);
        }
      });
      const log = await server.open();
      await log.lock([]);
      const { unread: frozen } = await log.state(Math.max(0, ...read.keys()));
      // Dropped by the server, though the answer was lost.
      for (const [number, tags] of read) if (!frozen.includes(number)) recorded.push(...tags);
      for (const number of frozen) {
        for await (const batch of log.read(number)) {
          recorded.push(...tagsIn(batch.statements.map(({ sql }) => sql)));
        }
        await log.appendToOwners(number);
        await log.drop(number);
      }
      generation++;
      await log.close();
      await whenAlone();
      if (!wasCut) break;
    }
    const log = await server.open();
    await log.lock([]);
    await log.swap(generation);
    recorded.push(
      ...tagsIn((await drainFrozen(log, { appendToOwners: true })).map(({ sql }) => sql)),
    );
    await log.restore(settings, generation + 1);
    await log.close();
    await whenAlone();
    expect(recorded).toEqual(sent);
    if (logsToTable) expect(await tagsInOwners()).toEqual(sent);
    expect(await stateOf(admin)).toEqual(before);
  });

  test.each(MOMENTS)('%s any message of restoring can be repaired', async (when) => {
    await setLog(general, output);
    const before = await stateOf(admin);
    for (let message: number = FIRST[when]; ; message += STEP) {
      await admin.query(
        `SET GLOBAL general_log = OFF; TRUNCATE mysql.general_log; SET GLOBAL general_log = ${general}`,
      );
      const { log: first, settings } = await startLogging(server);
      const sent = [await sendTag()];
      await first.swap(2);
      sent.push(await sendTag());
      await first.close();
      await whenAlone();
      const wasCut = await interrupted(message, when, async (log) => {
        await log.restore(settings, 3);
      });
      sent.push(await sendTag());
      const log = await server.open();
      await log.lock([]);
      const { unread: frozen } = await log.state();
      expect(await log.restore(settings, Math.max(3, ...frozen.map((n) => n + 1)))).toEqual([]);
      await log.close();
      await whenAlone();
      if (logsToTable) expect(await tagsInOwners()).toEqual(sent);
      expect(await stateOf(admin)).toEqual(before);
      if (!wasCut) break;
    }
  });
});

describe('a server that dies under load', () => {
  async function restartAfterKill(): Promise<void> {
    await server.kill();
    await server.restart();
    admin = await server.admin();
    await admin.query('SET SESSION sql_log_off = 1');
  }

  /** Sends until some statements are logged. */
  async function loadOf(statements: number): Promise<TaggedLoad> {
    const load = await TaggedLoad.start(server, 8);
    await waitUntil(() => load.sent >= statements);
    return load;
  }

  test('takes the switch with it; every acknowledged statement is read, and recording continues', async () => {
    await setLog('OFF', 'FILE');
    const before = await stateOf(admin);
    const { log: first, settings } = await startLogging(server);
    await drainFrozen(first);
    const load = await loadOf(1000);
    await first.swap(2);
    await waitUntil(() => load.sent >= 3000);
    await restartAfterKill();
    await expect(first.swap(3)).rejects.toMatchObject({ code: 'remote_failed' });
    expect(first.isConnectionLost()).toBe(true);
    await first.close();
    const acknowledged = await load.stop();

    const log = await server.open();
    await log.lock([]);
    expect(await log.state()).toEqual({
      unread: [2],
      isFilling: true,
      marked: true,
      logging: false,
      setAside: true,
      switchedOffAt: null,
    });
    const { generation } = await log.install(settings, 3);
    const next = await loadOf(100);
    const later = await next.stop();
    await log.swap(generation);
    const recorded = tagsIn((await drainFrozen(log)).map(({ sql }) => sql));
    const counts = new Map<string, number>();
    for (const tag of recorded) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    for (const tag of [...acknowledged, ...later]) {
      counts.set(tag, (counts.get(tag) ?? 0) - 1);
    }
    // One statement of each client was on its way when the server died: logged or not.
    const left = [...counts.values()].filter((count) => count !== 0);
    expect(left.every((count) => count === 1)).toBe(true);
    expect(left.length).toBeLessThanOrEqual(8);
    expect(await log.restore(settings, generation + 1)).toEqual([]);
    await log.close();
    expect(await stateOf(admin)).toEqual(before);
  });

  test("while it logs to the owner's table loses no acknowledged statement", async () => {
    await setLog('ON', 'TABLE');
    const load = await loadOf(2000);
    await restartAfterKill();
    const acknowledged = await load.stop();
    await admin.query("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON");
    const { log, settings } = await startLogging(server);
    const later = await sendTag();
    await log.swap(2);
    await drainFrozen(log, { appendToOwners: true });
    await log.restore(settings, 3);
    await log.close();
    const logged = await tagsInOwners();
    expect(logged.at(-1)).toBe(later);
    expect(acknowledged.filter((tag) => !logged.includes(tag))).toEqual([]);
  });
});
