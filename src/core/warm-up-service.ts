import type { Actor } from './access.ts';
import { AuditTrail, UNKNOWN_ORIGIN, type Origin } from './audit.ts';
import type { Clock } from './clock.ts';
import type { Environment } from './environments.ts';
import { getEnvironment } from './environment-service.ts';
import { AppError } from './errors.ts';
import type { Store } from './store.ts';
import { checkWarmUp, type WarmUp } from './warm-ups.ts';

/** What users ask for: the daemon does the rest. */
export class WarmUpService {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #audit: AuditTrail;

  constructor(store: Store, clock: Clock, origin: Origin = UNKNOWN_ORIGIN) {
    this.#store = store;
    this.#clock = clock;
    this.#audit = new AuditTrail(store, clock, origin);
  }

  /**
   * Asks for a warm-up from now on.
   * @throws AppError `not_found`, `invalid` for a length that cannot be, or an environment without a server.
   */
  begin(actor: Actor, ref: string, lengthMs: number): WarmUp {
    checkWarmUp(lengthMs);
    return this.#store.transaction(() => {
      const environment = this.environment(actor, ref);
      const begin = this.#clock.now();
      const warmUp = this.#store.warmUps.insert({
        environmentId: environment.id,
        captureId: null,
        askedBy: actor.userName,
        begin,
        until: begin + lengthMs,
      });
      this.#record(actor, environment, { seconds: lengthMs / 1_000 });
      return warmUp;
    });
  }

  /**
   * Ends the warm-ups of an environment that were asked for by themselves; those of captures go on.
   * @returns how many.
   */
  end(actor: Actor, ref: string): number {
    return this.#store.transaction(() => {
      const environment = this.environment(actor, ref);
      const now = this.#clock.now();
      const open = this.#store.warmUps.listOpen().filter(({ environmentId, captureId }) => {
        return environmentId === environment.id && captureId === null;
      });
      // The tap ends them: it knows which sessions came until then.
      const outcome = `${actor.userName} ended it`;
      for (const { id } of open) this.#store.warmUps.update(id, { until: now, outcome });
      if (open.length > 0) this.#record(actor, environment, { ended: open.length });
      return open.length;
    });
  }

  /** @throws AppError `not_found`; `invalid` for one without a server. */
  environment(actor: Actor, ref: string): Environment {
    const environment = getEnvironment(this.#store, actor, 'environment.warm-up', ref);
    if (environment.server !== null) return environment;
    throw new AppError(
      'invalid',
      `The environment "${environment.name}" has no server to warm up: it is metrics-only`,
    );
  }

  #record(
    actor: Actor,
    { id, name }: Environment,
    details: Readonly<Record<string, number>>,
  ): void {
    const subject = { kind: 'environment', id, name, environmentId: id } as const;
    this.#audit.record(actor, 'environment.warm-up', subject, { details });
  }
}
