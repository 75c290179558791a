import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Verification } from '../../src/core/verification/verification-service.ts';
import { verify } from '../support/verification.ts';
import { workloadFolder } from '../../src/workload/deleted-workloads.ts';
import { systemClock } from '../../src/core/clock.ts';
import {
  RECORD_EVERYTHING,
  type RecordingOptions,
} from '../../src/core/captures/recording-options.ts';
import type { Source } from '../../src/core/source.ts';
import { runDaemon } from '../../src/daemon/daemon.ts';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { TestStore } from '../support/stores.ts';
import { suspendBetweenWrites } from '../support/suspension.ts';
import type { RecorderServer } from '../support/recorder-server.ts';
import { waitUntil } from '../support/waiting.ts';

/** A capture of the server by a daemon in this process. */
export class Recording {
  readonly test = new TestStore(systemClock);
  readonly alice = this.test.user('alice');
  readonly events: string[] = [];
  readonly id: number;
  #leaving = new AbortController();
  #done: Promise<void> = Promise.resolve();

  #child: ChildProcess | null = null;

  readonly #source: Source;

  /**
   * @param how.isKilled the daemon is a process of its own, to be killed.
   * @param how.source how a daemon in this process reaches servers.
   */
  constructor(
    server: RecorderServer,
    options: Partial<RecordingOptions> = {},
    { isKilled = false, source = mysqlSource }: { isKilled?: boolean; source?: Source } = {},
  ) {
    this.#source = source;
    const environment = this.test.environment({ admin: [this.alice] }, { server: server.address });
    this.id = this.test.capture(this.alice, environment, {
      options: { ...RECORD_EVERYTHING, ...options },
    }).id;
    if (isKilled) this.startKilled();
    else this.startDaemon();
    recordings.push(this);
  }

  startKilled(): void {
    const program = join(import.meta.dirname, 'daemon-child.ts');
    this.#child = spawn(process.execPath, [program, this.test.store.directory], {
      stdio: 'ignore',
    });
  }

  /** Suspends the daemon that is a process of its own; false when it was in the middle of a write. */
  async suspend(): Promise<boolean> {
    return suspendBetweenWrites(this.#child?.pid ?? 0, this.test.store.directory);
  }

  /** Lets it go on. */
  wake(): void {
    this.#child?.kill('SIGCONT');
  }

  async killDaemon(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  startDaemon(): void {
    this.#leaving = new AbortController();
    const store = openStore(this.test.store.directory);
    this.#done = runDaemon(
      {
        store,
        clock: systemClock,
        source: this.#source,
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
    await waitUntil(() => {
      const capture = this.test.store.captures.find(this.id);
      if (capture?.status === 'FAILED')
        throw new Error(`${capture.reason ?? ''} ${this.events.join()}`);
      return capture?.status === status;
    });
  }

  async stop(): Promise<void> {
    this.test.captures.requestStop(this.alice, String(this.id));
    await this.until('DONE');
  }

  async leave(): Promise<void> {
    this.#leaving.abort();
    await this.#done;
    await this.killDaemon();
  }

  /** How much of its own the tap has allowed itself to send. */
  allowed(): number {
    return this.test.store.taps.list()[0]?.ownCommands?.atMost ?? 0;
  }

  /** Waits for so many further statements of the recorder's own. */
  async untilSent(statements: number): Promise<void> {
    const since = this.allowed();
    await waitUntil(() => this.allowed() >= since + statements);
  }

  async untilEvent(event: RegExp): Promise<void> {
    await waitUntil(() => this.events.some((one) => event.test(one)));
  }

  verify(): Promise<Verification> {
    const { store } = this.test;
    return verify({
      capture: store.captures.find(this.id),
      recording: store.recordings.find(this.id),
      folder: workloadFolder(store, this.id),
      minValues: null,
    });
  }
}

const recordings: Recording[] = [];

/** Ends the daemons of all recordings of a test. */
export async function endRecordings(): Promise<void> {
  for (const recording of recordings.splice(0)) {
    await recording.leave();
    recording.test.store.close();
  }
}
