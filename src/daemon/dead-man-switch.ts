import type { OpenSource } from '../core/source.ts';
import type { Recorder } from './recorder.ts';
import type { TapContext, Waiting } from './tap-context.ts';

/** Keeps the server's dead-man switch as the captures of a tap want it. */
export class DeadManSwitch {
  readonly #context: TapContext;
  readonly #environmentName: string;
  readonly #tapId: number;
  readonly #server: OpenSource;
  /** What the server was asked for; undefined before it was. */
  #after: number | null | undefined = undefined;
  /** Why the server will not do it; null when it will. */
  #obstacle: string | null = null;

  constructor(context: TapContext, environmentName: string, tapId: number, server: OpenSource) {
    this.#context = context;
    this.#environmentName = environmentName;
    this.#tapId = tapId;
    this.#server = server;
  }

  /**
   * After how many milliseconds of silence the server is to switch its log off by itself. The shortest
   * time counts, also against a capture that wants none: it is for the server's sake.
   * @param waiting captures that are about to begin.
   */
  wanted(waiting: readonly Waiting[]): number | null {
    const { store } = this.#context;
    const open = store.recordings
      .listOfTap(this.#tapId)
      .filter(({ lastBatch }) => lastBatch === null);
    let after: number | null = null;
    for (const { captureId } of [...open, ...waiting]) {
      const deadMan = store.captures.find(captureId)?.options.deadMan ?? null;
      if (deadMan !== null) after = Math.min(after ?? deadMan, deadMan);
    }
    return after;
  }

  /** Asks the server where what is wanted has changed, and tells the recorders. */
  async tend(recorders: Iterable<Recorder>): Promise<void> {
    const after = this.wanted([]);
    if (after !== this.#after) this.note(after, await this.#server.setUnattendedLimit(after));
    for (const recorder of recorders) recorder.noteDeadMan(this.#obstacle);
  }

  /** Notes what the server was asked for, and why it will not do it. */
  note(after: number | null, obstacle: string | null): void {
    this.#after = after;
    const isNews = obstacle !== null && obstacle !== this.#obstacle;
    this.#obstacle = obstacle;
    if (!isNews) return;
    const environment = this.#environmentName;
    this.#context.log('warn', 'no dead-man switch', { environment, obstacle });
  }

  /** The switch is gone with what it did, and has to be asked for again. */
  hasActed(): void {
    this.#after = undefined;
  }
}
