import { isOver } from '../core/captures/capture.ts';
import type { ServerEnvironment } from '../core/environments/environment.ts';
import type { Cut, OpenSource } from '../core/source.ts';
import type { TapRow } from '../core/store.ts';
import type { Guards } from './guard-watch.ts';
import { Recorder } from './recorder.ts';
import type { TapContext } from './tap-context.ts';
import { closeWindow, finishCapture, isDue, openWindow } from './window.ts';

/** The recorders of one tap, one a capture. */
export class Recorders implements Iterable<Recorder> {
  readonly #context: TapContext;
  readonly #environment: ServerEnvironment;
  readonly #server: OpenSource;
  readonly #guards: Guards;
  readonly #byCapture = new Map<number, Recorder>();

  constructor(
    context: TapContext,
    environment: ServerEnvironment,
    server: OpenSource,
    guards: Guards,
  ) {
    this.#context = context;
    this.#environment = environment;
    this.#server = server;
    this.#guards = guards;
  }

  [Symbol.iterator](): Iterator<Recorder> {
    return this.#byCapture.values();
  }

  get size(): number {
    return this.#byCapture.size;
  }

  find(captureId: number): Recorder | null {
    return this.#byCapture.get(captureId) ?? null;
  }

  /** Those whose window is open. */
  get open(): Recorder[] {
    return [...this].filter(({ firstBatch, lastBatch }) => {
      return firstBatch !== null && lastBatch === null;
    });
  }

  /** Captures whose window is open, or was until this batch. */
  captureIdsAt(batch: number): number[] {
    return [...this]
      .filter(({ firstBatch, lastBatch }) => firstBatch !== null && (lastBatch ?? batch) >= batch)
      .map(({ captureId }) => captureId);
  }

  /** Those whose window is open and that are to end at `now`, by the server's clock. */
  ending(now: number): Recorder[] {
    return this.open.filter(({ captureId }) => {
      const capture = this.#context.store.captures.find(captureId);
      if (capture === null) return false;
      return isDue(capture, now) || this.#guards.reasonOf(captureId) !== null;
    });
  }

  /** Opens and closes the windows whose edge this cut is, in one transaction. */
  moveWindows(cut: Cut, opening: readonly number[], ending: readonly Recorder[]): void {
    const { store, commit, log } = this.#context;
    const moved: { capture: number; event: string }[] = [];
    commit(() => {
      for (const recorder of ending) {
        closeWindow(this.#context, recorder, cut, this.#guards.reasonOf(recorder.captureId));
        moved.push({ capture: recorder.captureId, event: 'capture stopping' });
      }
      for (const id of opening) {
        const recorder = this.find(id);
        const capture = store.captures.find(id);
        if (recorder === null || capture === null) continue;
        if (openWindow(this.#context, recorder, capture, cut)) {
          moved.push({ capture: id, event: 'capture running' });
        }
      }
    });
    for (const { capture, event } of moved) {
      log('info', event, { capture, environment: this.#environment.name });
    }
  }

  /**
   * Opens the files of a capture where they were committed to; nothing happens for one that is gone.
   * @param warnings of the start of the log, for its manifest.
   */
  async add(captureId: number, row: TapRow, warnings: readonly string[]): Promise<void> {
    const { store } = this.#context;
    const capture = store.captures.find(captureId);
    const recording = store.recordings.find(captureId);
    if (capture === null || recording === null) return;
    const { flavor, version, uuid, hostname, port } = this.#server.server;
    const recorder = await Recorder.open(this.#context, capture, this.#environment, recording, {
      server: { flavor, version, uuid, hostname, port },
      settingsBefore: row.settings,
      warnings,
    });
    this.#byCapture.set(captureId, recorder);
    this.#guards.note([recording]);
  }

  /** Makes a capture DONE whose window is drained: its files are whole. */
  async finish(recorder: Recorder): Promise<void> {
    await recorder.writeManifest(true);
    finishCapture(this.#context, recorder, await recorder.flush());
    await this.#letGo(recorder);
  }

  /** Lets go of captures that somebody gave up. */
  async letGoOfOver(): Promise<void> {
    for (const recorder of this) {
      const capture = this.#context.store.captures.find(recorder.captureId);
      if (capture === null || isOver(capture.status)) await this.#letGo(recorder);
    }
  }

  async #letGo(recorder: Recorder): Promise<void> {
    this.#byCapture.delete(recorder.captureId);
    this.#guards.forget(recorder.captureId);
    await recorder.close();
  }

  /** Lets go of the files; what was not committed is read again. Never throws. */
  async close(): Promise<void> {
    for (const recorder of this) await recorder.close();
  }
}
