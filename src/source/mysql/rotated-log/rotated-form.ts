import type { SessionState, SourceMemory } from '../../../core/source.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';
import { withZone, zoneOf } from '../reading/session-memory.ts';
import type { SessionTracker } from '../reading/session-tracker.ts';
import type { RowForm } from '../reading/statement-decoder.ts';
import { readForm } from './rotation-settings.ts';

/**
 * How the rows of the server's own log table are to be understood; and what of it the store remembers,
 * the offsets of sessions from UTC.
 */
export class RotatedForm {
  readonly #control: MysqlConnection;
  readonly #tracker: SessionTracker;
  #form: RowForm | null = null;
  /** Offsets in minutes by session, until the form is read. */
  readonly #remembered = new Map<number, number>();

  constructor(control: MysqlConnection, tracker: SessionTracker) {
    this.#control = control;
    this.#tracker = tracker;
  }

  async read(): Promise<RowForm> {
    if (this.#form === null) {
      this.#form = await readForm(this.#control);
      for (const [id, minutes] of this.#remembered) this.#form.zones?.restore(id, minutes);
      this.#form.zones?.takeChanged();
      this.#remembered.clear();
    }
    return this.#form;
  }

  recall(session: number, memory: SourceMemory | null): void {
    const minutes = zoneOf(memory);
    if (minutes !== null) this.#remembered.set(session, minutes);
  }

  /**
   * Sessions with their offsets, and those besides whose offset has changed since the last call.
   * @param ended sessions to forget.
   */
  withZones(changed: readonly SessionState[], ended: readonly number[]): SessionState[] {
    const zones = this.#form?.zones ?? null;
    const states = new Map(changed.map((state) => [state.session, state]));
    for (const id of zones?.takeChanged() ?? []) {
      const state = states.get(id) ?? this.#tracker.stateOf(id);
      if (state !== null) states.set(id, state);
    }
    const remembered = Array.from(states.values(), (state) => {
      const minutes = zones?.minutesOf(state.session) ?? null;
      return minutes === null ? state : { ...state, memory: withZone(state.memory, minutes) };
    });
    for (const id of ended) zones?.forget(id);
    return remembered;
  }
}
