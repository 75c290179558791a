import type { Actor, Operation, Role } from '../access.ts';
import { AuditTrail, UNKNOWN_ORIGIN, type Origin } from '../audit/audit-trail.ts';
import type { Clock } from '../clock.ts';
import type { Environment, ServerEnvironment } from '../environments/environment.ts';
import { adminNames, getEnvironment } from '../environments/environment-service.ts';
import { AppError } from '../errors.ts';
import type { Store } from '../store.ts';
import { checkWarmUp, type WarmUp } from './warm-up.ts';

/** The rules of what users ask for: the daemon does the rest. */
export class WarmUpRules {
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
   * Ends the warm-ups of an environment that the actor asked for by themselves; an admin ends those of
   * others, too. Those of captures go on: they end with these.
   * @returns how many were ended, and those that go on.
   * @throws AppError `forbidden` where only others asked for some.
   */
  end(actor: Actor, ref: string): { ended: number; goingOn: readonly WarmUp[] } {
    return this.#store.transaction(() => {
      const environment = this.environment(actor, ref);
      const now = this.#clock.now();
      const open = this.#store.warmUps
        .listOpen()
        .filter(({ environmentId }) => environmentId === environment.id);
      const byThemselves = open.filter(({ captureId }) => captureId === null);
      const mayEnd = ({ askedBy }: WarmUp): boolean =>
        environment.role === 'admin' || askedBy === actor.userName;
      const ending = byThemselves.filter(mayEnd);
      const [other] = byThemselves;
      if (other !== undefined && ending.length === 0) {
        throw new AppError(
          'forbidden',
          `Only ${other.askedBy}, who asked for it, or an admin of its environment (${adminNames(this.#store, environment.id)}) may end this warm-up`,
        );
      }
      // The tap ends them: it knows which sessions came until then.
      const outcome = `${actor.userName} ended it`;
      for (const { id } of ending) this.#store.warmUps.update(id, { until: now, outcome });
      if (ending.length > 0) this.#record(actor, environment, { ended: ending.length });
      return { ended: ending.length, goingOn: open.filter((one) => !ending.includes(one)) };
    });
  }

  /** @throws AppError `not_found`; `invalid` for one without a server. */
  environment(
    actor: Actor,
    ref: string,
    operation: Operation = 'environment.warm-up',
  ): ServerEnvironment & { role: Role } {
    const environment = getEnvironment(this.#store, actor, operation, ref);
    const { server } = environment;
    if (server !== null) return { ...environment, server };
    throw new AppError(
      'invalid',
      `The environment "${environment.name}" has no server to warm up: it is metrics-only`,
    );
  }

  /**
   * Refuses who waits for a warm-up and may not see it any more.
   * @throws AppError `unauthenticated`; `not_found`.
   */
  requireStill(actor: Actor, environmentId: number): void {
    this.#audit.requireLoggedIn(actor);
    this.environment(actor, String(environmentId), 'environment.check');
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
