import { setTimeout as delay } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import type { Actor } from '../../src/core/access.ts';
import type { CaptureStatus } from '../../src/core/captures/capture.ts';
import { systemClock } from '../../src/core/clock.ts';
import {
  RECORD_EVERYTHING,
  type RecordingOptions,
} from '../../src/core/captures/recording-options.ts';
import type { Environment, ServerAddress } from '../../src/core/environments/environment.ts';
import type { StatementRecord } from '../../src/core/workloads/statements.ts';
import type { ListedCapture } from '../../src/core/store.ts';
import { committedPosition } from '../../src/core/workloads/committed.ts';
import { workloadFolder } from '../../src/daemon/recorder.ts';
import { mysqlSourceThatFinds } from '../../src/source/mysql/mysql-source.ts';
import { readManifest } from '../../src/workload/manifest.ts';
import { readWorkload } from '../../src/workload/workload-reader.ts';
import type { DatabaseServer } from './database-server.ts';
import { isInFull } from './proportion.ts';
import { SERVER, TestStore } from './stores.ts';
import { startDaemon, type RunningDaemon } from '../daemon/daemons.ts';
import type { Manifest } from '../../src/core/workloads/workload.ts';
import { waitUntil } from './waiting.ts';

/** Log tables in MyISAM: on a machine with too much to do it may not be proven where the disk is, and they are CSV. */
const LOGS_ON_A_KNOWN_DISK = mysqlSourceThatFinds(() =>
  Promise.resolve({
    source: 'local',
    space: () => Promise.resolve({ free: 100 * 2 ** 30, size: 200 * 2 ** 30 }),
  }),
);

/** A store, a daemon in this process, and captures of a real server. */
export class Bench {
  readonly server: DatabaseServer;
  readonly test = new TestStore(systemClock);
  readonly alice: Actor = this.test.user('alice');
  readonly environment: Environment;
  daemon: RunningDaemon;

  /** @param address as whom the recorder logs in; root where it is left out. */
  constructor(server: DatabaseServer, address?: ServerAddress) {
    this.server = server;
    const { port, socket } = server;
    const root = { ...SERVER, user: 'root', host: 'localhost', port, socket };
    this.environment = this.test.environment(
      { admin: [this.alice] },
      { name: 'prod', server: address ?? root },
    );
    this.daemon = this.startDaemon();
  }

  startDaemon(source = LOGS_ON_A_KNOWN_DISK): RunningDaemon {
    return startDaemon(this.test.store.directory, systemClock, { source });
  }

  capture(
    name?: string,
    { duration = null, ...options }: Partial<RecordingOptions> & { duration?: number | null } = {},
  ): ListedCapture {
    return this.test.capture(this.alice, this.environment, {
      ...(name === undefined ? {} : { name }),
      duration,
      options: { ...RECORD_EVERYTHING, ...options },
    });
  }

  find(id: number): ListedCapture {
    const capture = this.test.store.captures.find(id);
    if (capture === null) throw new Error(`There is no capture ${id}`);
    return capture;
  }

  /** Waits, by looking, until a capture has this status; fails when it FAILED instead. */
  until(id: number, status: CaptureStatus): Promise<ListedCapture> {
    return waitUntil(() => {
      const capture = this.find(id);
      if (capture.status === 'FAILED') {
        throw new Error(`FAILED: ${capture.reason}; ${this.daemon.details.join('; ')}`);
      }
      return capture.status === status ? capture : null;
    });
  }

  /** Waits until this many records are committed. */
  async untilRecorded(id: number, records: number): Promise<void> {
    await waitUntil(() => (this.test.store.captures.find(id)?.records ?? 0) >= records);
  }

  /** Waits until more of a capture is committed than now: the log was swapped, and read, just then. */
  async untilMoreIsRecorded(id: number): Promise<void> {
    await this.untilRecorded(id, (this.find(id).records ?? 0) + 1);
  }

  /** Waits until a statement with this tag is in the record. */
  async untilTagged(id: number, tag: string): Promise<void> {
    await waitUntil(async () =>
      (await this.records(id)).some(({ sql }) => sql.includes(`<${tag}>`)),
    );
  }

  async stop(id: number): Promise<ListedCapture> {
    this.test.captures.requestStop(this.alice, String(id));
    return this.until(id, 'DONE');
  }

  manifest(id: number): Promise<Manifest> {
    return readManifest(this.folder(id));
  }

  folder(id: number): string {
    return workloadFolder(this.test.store.directory, id);
  }

  /** Its workload as it lies in its files, decompressed. */
  async workload(id: number): Promise<Buffer> {
    const position = committedPosition(this.test.store.recordings.find(id));
    const chunks: Buffer[] = [];
    for await (const chunk of readWorkload(this.folder(id), position)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async records(id: number): Promise<StatementRecord[]> {
    return recordsIn(await this.workload(id));
  }
}

export function recordsIn(workload: Buffer): StatementRecord[] {
  return workload
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as StatementRecord);
}

export interface Load {
  readonly sent: string[];
  /** Resolves when this many more statements were sent. */
  more(statements: number): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Sends uniquely tagged statements from several connections until it is stopped: in full at full speed.
 * @param onAnswer told when each was sent and answered, by the clock of this machine in UTC.
 */
export async function startLoad(
  server: DatabaseServer,
  prefix: string,
  connections = 4,
  onAnswer?: (tag: string, from: string, to: string) => void,
): Promise<Load> {
  const sent: string[] = [];
  let isStopped = false;
  let goal: { count: number; reach: () => void } | null = null;
  const clients = await Promise.all(
    Array.from({ length: connections }, () =>
      mysql.createConnection({ socketPath: server.socket, user: 'root' }),
    ),
  );
  const runs = clients.map(async (client, index) => {
    for (let i = 0; !isStopped; i++) {
      const tag = `${prefix}-${index}-${i}`;
      sent.push(tag);
      const from = new Date().toISOString();
      if (i % 3 === 0) await client.execute('SELECT ? AS tag', [`<${tag}>`]);
      else await client.query(`SELECT '<${tag}>'`);
      onAnswer?.(tag, from, new Date(Date.now() + 1).toISOString());
      if (goal !== null && sent.length >= goal.count) goal.reach();
      if (!isInFull) await delay(2);
    }
    await client.end();
  });
  return {
    sent,
    more: (statements) =>
      new Promise((reach) => {
        goal = { count: sent.length + statements, reach };
      }),
    stop: async () => {
      isStopped = true;
      await Promise.all(runs);
    },
  };
}

/** Sends so many statements and ends. */
export async function runLoad(
  server: DatabaseServer,
  prefix: string,
  statements: number,
): Promise<string[]> {
  const load = await startLoad(server, prefix, 2);
  await load.more(statements);
  await load.stop();
  return load.sent;
}

/** The tags in the statements that were run: text and executed ones, without those only prepared. */
export function tagsOf(records: readonly StatementRecord[]): string[] {
  return records
    .filter((record) => record.kind === 'query' || record.kind === 'execute')
    .flatMap((record) => /<([\w-]+)>/.exec(record.sql)?.[1] ?? []);
}

/** Everything about a server's log that a recording must leave as it was. */
export async function serverState(server: DatabaseServer): Promise<unknown> {
  const admin = await server.admin();
  try {
    const [variables] = await admin.query(
      "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('general_log', 'log_output', 'slow_query_log')",
    );
    const [table] = await admin.query(
      "SELECT ENGINE, TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME = 'general_log'",
    );
    const [schemas] = await admin.query("SHOW DATABASES LIKE 'captures'");
    const [lock] = await admin.query("SELECT IS_USED_LOCK('captures:tap') AS holder");
    return { variables, table, schemas, lock };
  } finally {
    await admin.end();
  }
}
