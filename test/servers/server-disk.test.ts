import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { chosenServer } from '../../scripts/server-programs.ts';
import { workloadFolder } from '../../src/workload/deleted-workloads.ts';
import type { Source } from '../../src/core/source.ts';
import { mysqlSource, mysqlSourceThatFinds } from '../../src/source/mysql/mysql-source.ts';
import { readablePosition, readManifest } from '../../src/workload/manifest.ts';
import { readRecords } from '../../src/workload/workload-reader.ts';
import { NO_DISK, smallDisk } from '../e2e/small-disk.ts';
import { endRecordings, Recording } from './recording.ts';
import {
  rowsOf,
  startRecorderServer,
  stateOf,
  type RecorderServer,
} from '../support/recorder-server.ts';
import { waitUntil } from '../support/waiting.ts';
import { needs } from '../support/skips.ts';

const { tree, family } = chosenServer(() => undefined);
const disk = smallDisk(family === 'mysql' ? '700m' : '400m');
const FROM_AFAR: Source = mysqlSourceThatFinds(() => Promise.resolve(null));

/**
 * Statements of a client that is not in the log, one a millisecond at most: the log's disk is nothing to it,
 * and a machine with too much to do is as slow for it as for everybody.
 */
class Bystander {
  /** When each was answered. */
  readonly times: number[] = [];
  readonly #done: Promise<void>;
  #isStopped = false;

  constructor(client: Connection) {
    this.#done = this.#run(client);
  }

  get answered(): number {
    return this.times.length;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
  }

  async #run(client: Connection): Promise<void> {
    await client.query('SET SESSION sql_log_off = 1');
    while (!this.#isStopped) {
      await client.query('SELECT 1');
      this.times.push(Date.now());
      await delay(1);
    }
    await client.end();
  }
}

/** A client that only reads, one statement after another, each with a tag and the time of its answer. */
class Reader {
  readonly answered = new Map<string, number>();
  /** The longest wait for an answer, in statements that a bystander had answered meanwhile. */
  longest = 0;
  readonly #bystander: Bystander;
  readonly #client: Connection;
  readonly #done: Promise<void>;
  #isStopped = false;

  constructor(client: Connection, name: string, bystander: Bystander) {
    this.#client = client;
    this.#bystander = bystander;
    this.#done = this.#run(name);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
    await this.#client.end();
  }

  async #run(name: string): Promise<void> {
    for (let i = 0; !this.#isStopped; i++) {
      const began = this.#bystander.answered;
      await this.#client.query(`SELECT 'tag ${name} ${i}.'`);
      this.answered.set(`tag ${name} ${i}.`, Date.now());
      this.longest = Math.max(this.longest, this.#bystander.answered - began);
    }
  }
}

describe('when the disk of the server is full', needs(disk !== null, NO_DISK), () => {
  const folder = disk?.folder ?? '';
  let server: RecorderServer;
  let admin: Connection;
  beforeAll(async () => {
    if (tree !== null) {
      mkdirSync(join(tree, folder), { recursive: true });
      execFileSync('mount', ['--bind', folder, join(tree, folder)]);
    }
    server = await startRecorderServer({ within: folder });
    admin = await server.admin();
  });
  afterEach(async () => {
    await endRecordings();
    rmSync(join(folder, 'filler'), { force: true });
  });
  afterAll(async () => {
    await admin.end();
    await server.stop();
    if (tree !== null) execFileSync('umount', ['--lazy', join(tree, folder)]);
  });

  test.each<[string, Source, RegExp]>([
    ['whose free space is seen', mysqlSource, /^ended by a guard: the server's disk/],
    ['whose free space is not', FROM_AFAR, /^ended by a guard: the server's disk is full/],
  ])(
    'nobody waits, and the capture of one %s ends with a gap and the server as it was',
    async (_whose, source, reason) => {
      const before = await stateOf(admin);
      const recording = new Recording(server, {}, { source });
      await recording.until('RUNNING');
      const [table] = await rowsOf(
        admin,
        "SELECT ENGINE AS engine FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME = 'general_log'",
      );
      expect(table).toEqual({ engine: 'CSV' });
      const readers: Reader[] = [];
      const bystander = new Bystander(await server.admin());
      for (let i = 0; i < 8; i++) {
        readers.push(new Reader(await server.admin(), String(i), bystander));
      }
      await waitUntil(() => readers.every(({ answered }) => answered.size > 50));
      // Another process, for the clients and the daemon are in this one.
      spawn('dd', ['if=/dev/zero', `of=${join(folder, 'filler')}`, 'bs=64k'], { stdio: 'ignore' });
      const logins: number[] = [];
      const { store } = recording.test;
      const isOver = (): boolean =>
        ['DONE', 'FAILED'].includes(store.captures.find(recording.id)?.status ?? '');
      while (!isOver()) {
        const began = bystander.answered;
        await (await server.admin()).end();
        logins.push(bystander.answered - began);
        await delay(20);
      }
      for (const reader of readers) await reader.stop();
      await bystander.stop();

      // Which take the bystander two seconds on a quiet machine.
      expect(Math.max(...logins, ...readers.map(({ longest }) => longest))).toBeLessThan(1_000);
      const said = recording.events.join('\n');
      expect(store.captures.find(recording.id), said).toMatchObject({ status: 'DONE' });
      expect(store.captures.find(recording.id)?.reason).toMatch(reason);
      expect(await stateOf(admin)).toEqual(before);
      const workload = workloadFolder(store, recording.id);
      const manifest = await readManifest(workload);
      const { gaps } = manifest;
      expect(gaps, JSON.stringify(gaps)).toMatchObject([{ cause: 'disk_full' }]);
      const [from = 0, to = 0] = [gaps[0]?.from, gaps[0]?.to].map((at) => Date.parse(at ?? ''));
      const within = bystander.times.filter((at) => at >= from && at <= to);
      expect(within.length).toBeLessThan(2_500);
      const recorded = new Set<string>();
      for await (const records of readRecords(workload, readablePosition(manifest))) {
        for (const { sql } of records) {
          const [tag] = /tag \d \d+\./.exec(sql) ?? [];
          if (tag === undefined) continue;
          expect(recorded.has(tag)).toBe(false);
          recorded.add(tag);
        }
      }
      // Everything is in the record that was answered before the gap.
      for (const { answered } of readers) {
        for (const [tag, at] of answered) {
          if (!recorded.has(tag)) expect(at).toBeGreaterThanOrEqual(Math.floor(from));
        }
      }
    },
  );
});
