import { DAEMON } from '../core/audit/audit-trail.ts';
import { REACHED_ITS_END } from '../core/captures/capture-rules.ts';
import { isOver, type Capture } from '../core/captures/capture.ts';
import { brokenGuard, guardReason } from '../core/captures/guards.ts';
import { messageOf } from '../core/errors.ts';
import { withUnreadRest } from '../core/recovery/unread-rest.ts';
import { noteGaps } from '../workload/manifest.ts';
import { workloadFolder } from './recorder.ts';
import type { TapContext, TapMemory, Waiting } from './tap-context.ts';
import { isDue } from './window.ts';

/** The captures in a tap's care: those that wait for their start, and those that it records. */
export class TapCaptures {
  readonly #context: TapContext;
  readonly #environmentName: string;
  readonly #memory: TapMemory;
  readonly #onStopping: () => void;
  readonly #waiting = new Map<number, Waiting>();

  /** @param onStopping called when one is to end: its window closes at the next cut. */
  constructor(
    context: TapContext,
    environmentName: string,
    memory: TapMemory,
    onStopping: () => void,
  ) {
    this.#context = context;
    this.#environmentName = environmentName;
    this.#memory = memory;
    this.#onStopping = onStopping;
  }

  /** Those that wait for their start. */
  get waiting(): Waiting[] {
    return [...this.#waiting.values()];
  }

  isWaiting(captureId: number): boolean {
    return this.#waiting.has(captureId);
  }

  /** Takes over a capture that is STARTING. */
  add(waiting: Waiting): void {
    this.#waiting.set(waiting.captureId, waiting);
  }

  /** Forgets to start what is RUNNING by now, or over. */
  forgetStarted(): void {
    for (const id of this.#waiting.keys()) {
      const status = this.#context.store.captures.find(id)?.status;
      if (status !== 'STARTING') this.#waiting.delete(id);
    }
  }

  /** Whether none waits for its start. */
  isNoneStarting(): boolean {
    const { captures } = this.#context.store;
    return [...this.#waiting.keys()].every((id) => captures.find(id)?.status !== 'STARTING');
  }

  /** All of them, as the store has them now. */
  list(): Capture[] {
    const { store } = this.#context;
    const { row } = this.#memory;
    const recording = row === null ? [] : store.recordings.listOfTap(row.id);
    const ids = new Set([...this.#waiting.keys(), ...recording.map((r) => r.captureId)]);
    return [...ids]
      .flatMap((id) => store.captures.find(id) ?? [])
      .filter(({ status }) => !isOver(status));
  }

  /** Ends captures whose record is too far behind, also while nothing comes from the server. */
  stopLate(): void {
    const { clock } = this.#context;
    const lagMs = performance.now() - this.#memory.caughtUpAt;
    const unknown = { fileBytes: null, disk: null, logBytes: null };
    for (const capture of this.list()) {
      if (capture.status !== 'RUNNING') continue;
      const broken = brokenGuard(capture.options, { ...unknown, lagMs });
      if (broken !== null) this.#stop(capture, guardReason(broken, clock.now()));
    }
  }

  /** Captures whose end has passed take no more statements than they have to, whatever the server does. */
  stopDue(): void {
    const now = this.#context.clock.now() + this.#memory.skew;
    for (const capture of this.list()) {
      if (capture.status === 'RUNNING' && isDue(capture, now)) this.#stop(capture, REACHED_ITS_END);
    }
  }

  #stop({ id }: Capture, reason: string): void {
    const { audit, commit, log } = this.#context;
    if (commit(() => audit.moveCapture(DAEMON, id, 'RUNNING', 'STOPPING', { reason })) === null)
      return;
    log('info', 'capture stopping', { capture: id, environment: this.#environmentName, reason });
    this.#onStopping();
  }

  /** Fails captures, with what is missing of their records. */
  fail(captures: readonly Capture[], error: unknown): void {
    if (captures.length === 0) return;
    const { clock, store, audit, commit, log } = this.#context;
    const now = clock.now();
    const reason = failureReason(messageOf(error), this.#context.daemonName, now);
    const until = new Date(now + this.#memory.skew).toISOString().replace('Z', '000Z');
    commit(() => {
      for (const { id, status, start } of captures) {
        const end = start === null ? null : now;
        audit.moveCapture(DAEMON, id, status, 'FAILED', { reason, end });
        const recording = store.recordings.find(id);
        const cause = 'not_read';
        const facts =
          recording && withUnreadRest(recording, { reason: messageOf(error), until, cause });
        if (facts !== null) store.recordings.saveFacts(id, facts);
        store.recordings.detach(id);
      }
    });
    for (const { id } of captures) {
      this.#waiting.delete(id);
      log('error', 'capture failed', { capture: id, reason });
    }
  }

  /** Brings the manifests of captures that failed up to date, as far as the disk lets it. */
  async noteGapsOf(captures: readonly Capture[]): Promise<void> {
    const { store } = this.#context;
    for (const { id } of captures) {
      const facts = store.recordings.find(id)?.facts ?? null;
      const folder = workloadFolder(store.directory, id);
      if (facts !== null) await noteGaps(folder, facts, store.isShared ? 0o660 : 0o600);
    }
  }
}

/**
 * Why a capture FAILED, with the daemon it happened in (whose environment it was that a credential
 * was missing from) and the time.
 */
export function failureReason(what: string, daemonName: string, now: number): string {
  return `${what} (${daemonName}, at ${new Date(now).toISOString()})`;
}
