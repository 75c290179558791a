import type { Actor } from '../../src/core/access.ts';
import type { CaptureStatus } from '../../src/core/captures/capture.ts';
import type { ListedCapture, Store } from '../../src/core/store.ts';
import type { LoggedStatement } from '../../src/core/workloads/statements.ts';
import type { WorkloadPosition } from '../../src/core/workloads/workload.ts';
import { workloadFolder } from '../../src/workload/deleted-workloads.ts';
import { SegmentWriter } from '../../src/workload/segment-writer.ts';
import { LineSerialiser } from '../../src/workload/statement-line.ts';
import { SERVER, type TestStore } from './stores.ts';

const WAY: readonly CaptureStatus[] = ['STARTED', 'STARTING', 'RUNNING', 'STOPPING', 'DONE'];

/** A capture whose statements a test writes as a recorder does, batch by batch. */
export class RecordedCapture {
  readonly id: number;
  readonly folder: string;
  readonly #store: Store;
  readonly #lines = new LineSerialiser();
  #writer: SegmentWriter | null = null;
  #status: CaptureStatus = 'STARTED';
  #position: WorkloadPosition | null = null;

  constructor(test: TestStore, actor: Actor, name = 'friday') {
    const { store } = test;
    const environment =
      store.environments.findByName('shop') ??
      test.environment({ admin: [actor] }, { server: SERVER, name: 'shop' });
    const { id }: ListedCapture = test.capture(actor, environment, { name });
    this.id = id;
    this.#store = store;
    this.folder = workloadFolder(store, id);
    const settings = { generalLog: false, logOutput: 'FILE', slowLog: false, tableEngine: 'CSV' };
    const tap = store.taps.insert(
      { serverKey: 'k', nonce: 'nonce', environmentId: environment.id, settings },
      0,
    );
    store.recordings.begin(id, tap.id);
    store.recordings.open(id, 1, '{}');
    store.recordings.detach(id);
    // No server is owed its settings.
    store.taps.delete(tap.id);
  }

  get position(): WorkloadPosition | null {
    return this.#position;
  }

  /** Moves it on to a status, step by step. */
  become(status: CaptureStatus): void {
    while (this.#status !== status) {
      const next = WAY[WAY.indexOf(this.#status) + 1];
      if (next === undefined) throw new Error(`${this.#status} is not on the way to ${status}`);
      const times = next === 'RUNNING' ? { start: 1_000 } : next === 'DONE' ? { end: 2_000 } : {};
      this.#store.captures.move(this.id, this.#status, next, times);
      this.#status = next;
    }
  }

  /** Writes and commits. */
  async record(
    statements: readonly LoggedStatement[],
    options: { readonly segmentText?: number; readonly frameText?: number } = {},
  ): Promise<void> {
    this.#writer ??= await SegmentWriter.open(this.folder, null, options);
    await this.#writer.write(this.#lines.tails(statements));
    this.#position = await this.#writer.flush();
    const { totalRecords, totalText, totalBytes } = this.#position;
    this.#store.recordings.finish(
      {
        captureId: this.id,
        records: totalRecords,
        textBytes: totalText,
        fileBytes: totalBytes,
        position: JSON.stringify(this.#position),
        counters: '{}',
        rates: [],
      },
      '{}',
    );
  }

  async close(): Promise<void> {
    await this.#writer?.close();
  }
}
