import type { Actor } from '../access.ts';
import type { Environment, ServerEnvironment } from '../environments/environment.ts';
import { getEnvironment } from '../environments/environment-service.ts';
import { findStrangerAtWork, findTapOn } from '../environments/server-identity.ts';
import { inspectServer, namingEnvironment } from '../environments/server-looks.ts';
import { AppError, isAppError, type Failure } from '../errors.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import { type Leftovers, type ServerInspection } from '../environments/server-inspection.ts';
import type { ServerSettings } from '../source.ts';
import { RecoveryRules, type PendingRestore } from './recovery-rules.ts';
import type { RestoreServer } from './restorer.ts';
import { requireLoggedIn } from '../users/standing.ts';

/** Which servers to restore, and what becomes of a lost recorder's statements. */
export interface RecoveryRequest {
  /** An id or a name; null for every server that this store has to restore. */
  readonly environment: string | null;
  /** An absolute path to keep a lost recorder's statements in; null for a folder in the store. */
  readonly saveTo: string | null;
  /** Drops a lost recorder's statements. */
  readonly discard: boolean;
  /** Does not wait to see whether a recorder returns that was active just now. */
  readonly force: boolean;
}

/** A server to restore, as a look at it and at the store found it. */
export interface RecoveryTarget {
  readonly environment: ServerEnvironment;
  /** `host:port`, as the server calls itself. */
  readonly server: string;
  /** What this store has to restore there; null for nothing. */
  readonly pending: PendingRestore | null;
  /** What a recorder left there that this store knows nothing of; null for nothing. */
  readonly leftovers: Leftovers | null;
  /** Whether those are of a recorder of this store, which the store has forgotten. */
  readonly isOwnRecorder: boolean;
  /** Statements in the recorder's tables there; null where that is not known. */
  readonly logged: number | null;
  /** What its log is set to now, and what it will be set to. */
  readonly settings: ServerSettings;
  readonly settingsThen: ServerSettings;
  /** Whether what is logged goes into the owner's own log table. */
  readonly goesToOwners: boolean;
  /** The folder that a lost recorder's statements are kept in; null for none. */
  readonly saveTo: string | null;
}

/** A recorder was active just now: a look at the server each second says whether it returns. */
interface WaitingForRecorder {
  readonly recorder: string | null;
  readonly silentMs: number;
  readonly waitMs: number;
}

/** What came of restoring one server. */
export interface RecoveredServer {
  readonly environment: string;
  /** `host:port`, as the server calls itself. */
  readonly server: string;
  /** False: there was nothing to restore. */
  readonly recovered: boolean;
  /** Ids of the captures that came to their end by it. */
  readonly endedCaptures: readonly number[];
  /** What its log is set to; null when nothing was changed. */
  readonly settings: ServerSettings | null;
  /** Statements of a lost recorder that were written to a folder. */
  readonly savedStatements: number;
  /** The folder of that workload; null for none. */
  readonly savedTo: string | null;
  /** Rows that went to the log table of the server's owner; null where they could not be counted. */
  readonly returnedStatements: number | null;
  /** Rows of a lost recorder's log that are nowhere any more; null where they could not be counted. */
  readonly droppedStatements: number | null;
  readonly warnings: readonly string[];
}

interface RecoveryPlan {
  readonly targets: readonly RecoveryTarget[];
  readonly failures: readonly Failure[];
}

const LOOK_MS = 1_000;
/**
 * A recorder that was active this recently may be alive, between two connections: it tries again
 * every five seconds at the latest, and a service manager starts it over as soon.
 */
const SILENT_MS = 15_000;

/** Restores servers without a daemon. */
export class RecoveryService {
  readonly #outside: Outside;
  readonly #rules: RecoveryRules;

  constructor(outside: Outside) {
    this.#outside = outside;
    this.#rules = new RecoveryRules(outside.store, outside.clock, outside.origin);
  }

  /**
   * Looks at servers and refuses what is not to be done; changes nothing. Without an environment a server
   * that cannot be looked at does not keep the others from being restored.
   * @throws AppError `not_found`; `forbidden`; `invalid` for one without a server and a folder that is not
   *   empty; `remote_failed`; `conflict` while a daemon is at work in this store or a recorder of somebody
   *   else on the server, and where the environment leads to another server than the one to restore.
   */
  async *check(
    actor: Actor,
    request: RecoveryRequest,
    signal: AbortSignal,
  ): Progress<WaitingForRecorder, RecoveryPlan> {
    const { targets: found, failures } = await this.#find(actor, request);
    const restorer = await this.#outside.restorer();
    for (const { pending } of found) {
      if (pending === null) continue;
      await restorer.requireNoDaemon(signal);
      this.#rules.requireEndable(pending, actor);
    }
    const targets: RecoveryTarget[] = [];
    for (const target of found) {
      const { environment, saveTo } = target;
      let { leftovers } = target;
      if (leftovers !== null) {
        const ref = String(environment.id);
        getEnvironment(this.#outside.store, actor, 'environment.reclaim', ref);
        if (saveTo !== null) await restorer.requireEmptyFolder(saveTo);
        if (!request.force) leftovers = yield* this.#untilSilent(actor, target, leftovers, signal);
      }
      targets.push({ ...target, leftovers });
    }
    return { targets, failures };
  }

  /**
   * Restores the servers of a plan. A server that fails does not keep the others from being restored.
   * @param plan the targets of `check` that the actor has agreed to.
   * @throws AppError `forbidden`; `conflict` when a daemon or a recorder began meanwhile;
   *   `remote_failed`; what `signal` is aborted with, the servers then being as the next daemon needs them.
   */
  async *restore(
    actor: Actor,
    plan: Pick<RecoveryPlan, 'targets'>,
    signal: AbortSignal,
  ): Progress<RecoveredServer, { readonly failures: readonly Failure[] }> {
    const restorer = await this.#outside.restorer();
    for (const target of plan.targets) {
      const { environment, leftovers, pending, saveTo } = target;
      if (leftovers === null && pending !== null) continue;
      const nothing = nothingDone(target);
      if (leftovers === null) {
        yield nothing;
        continue;
      }
      this.#rules.reclaim(actor, String(environment.id), leftovers);
      const done = await restorer.reclaim(environment, leftovers, saveTo);
      if (done === null) {
        yield nothing;
        continue;
      }
      yield {
        ...nothing,
        recovered: true,
        settings: done.settings,
        savedStatements: done.saved,
        savedTo: done.saved > 0 ? saveTo : null,
        returnedStatements: done.returned,
        droppedStatements: done.dropped,
        warnings: done.warnings,
      };
    }
    const rows: RecoveredServer[] = [];
    const failures: Failure[] = [];
    const pending = plan.targets.filter((target) => target.pending !== null);
    if (pending.length > 0) {
      await restorer.asOnlyDaemon(signal, async (restore) => {
        for (const target of pending) {
          try {
            rows.push(...(await this.#restoreOwn(actor, target, restore)));
          } catch (error) {
            if (!isAppError(error)) throw error;
            failures.push(namingEnvironment(error, target.environment.name));
          }
        }
      });
    }
    yield* rows;
    return { failures };
  }

  /**
   * Whether there is something to forget, before anybody is asked.
   * @throws AppError `not_found`; `forbidden`; `conflict` while a daemon is at work in this store.
   */
  async checkForgetting(
    actor: Actor,
    ref: string,
    signal: AbortSignal,
  ): Promise<{ readonly name: string; readonly isPending: boolean }> {
    const { store } = this.#outside;
    const { id, name } = getEnvironment(store, actor, 'environment.reclaim', ref);
    const isPending = store.taps.list().some(({ environmentId }) => environmentId === id);
    if (isPending) await (await this.#outside.restorer()).requireNoDaemon(signal);
    return { name, isPending };
  }

  /** As `RecoveryRules.forget`; call `checkForgetting` before. */
  async forget(actor: Actor, ref: string): Promise<number> {
    return this.#rules.forget(actor, ref);
  }

  async #find(
    actor: Actor,
    request: RecoveryRequest,
  ): Promise<{ targets: RecoveryTarget[]; failures: Failure[] }> {
    const { store } = this.#outside;
    if (request.environment !== null) {
      const ref = request.environment;
      const environment = getEnvironment(store, actor, 'environment.recover', ref);
      return { targets: [await this.#look(environment, request)], failures: [] };
    }
    const targets: RecoveryTarget[] = [];
    const failures: Failure[] = [];
    for (const { environmentId } of this.#rules.listTaps(actor)) {
      const environment = store.environments.find(environmentId);
      if (environment === null) continue;
      try {
        const target = await this.#look(environment, request);
        // What others left there has to be asked for by the environment's name.
        targets.push({ ...target, leftovers: null });
      } catch (error) {
        if (!isAppError(error)) throw error;
        const message = `The server of "${environment.name}" is not restored: ${error.message}`;
        failures.push(
          error.code === 'remote_failed'
            ? new AppError(error.code, message, { hint: error.hint })
            : error,
        );
      }
    }
    return { targets, failures };
  }

  async #look(environment: Environment, request: RecoveryRequest): Promise<RecoveryTarget> {
    const { id, name, server: address } = environment;
    if (address === null) {
      throw new AppError('invalid', `The environment "${name}" has no server: it is metrics-only`);
    }
    const { store } = this.#outside;
    const inspection = await inspectServer(this.#outside, { name, server: address });
    const { hostname, port } = inspection.server;
    const tap = findTapOn(inspection, store.taps, id);
    const elsewhere = store.taps.list().some((row) => row.environmentId === id);
    if (tap === null && elsewhere) {
      throw new AppError(
        'conflict',
        `The environment "${name}" now points to another server (${inspection.place}) than the one whose log was switched on`,
        { hint: { code: 'point_back', environment: name } },
      );
    }
    this.#refuseHeld(inspection);
    const isOwn = tap !== null && inspection.schema.state !== 'other-store';
    const leftovers = isOwn ? null : inspection.leftovers;
    const { settings } = inspection;
    const then = leftovers?.restoresTo ?? settings;
    return {
      environment: { ...environment, server: address },
      server: `${hostname}:${port}`,
      pending: tap === null ? null : this.#rules.pendingOf(tap),
      leftovers,
      isOwnRecorder: leftovers?.storeId === store.id,
      logged: inspection.leftovers?.statements ?? null,
      settings,
      settingsThen: then,
      goesToOwners: (await this.#outside.servers()).returnsStatements(then),
      saveTo: this.#folderFor(request, leftovers, id),
    };
  }

  /** Where a lost recorder's statements are kept, also those that the server logs while we look; null where they are dropped. */
  #folderFor(
    { saveTo, discard }: RecoveryRequest,
    leftovers: Leftovers | null,
    environmentId: number,
  ): string | null {
    if (leftovers === null || discard) return null;
    if (saveTo !== null) return saveTo;
    const { store, clock } = this.#outside;
    const time = new Date(clock.now()).toISOString().replaceAll(/[-:]/g, '');
    return `${store.directory}/recovered/${environmentId}-${time}`;
  }

  /** Our own connection of before a crash is taken the lock from; nobody else's is. */
  #refuseHeld(inspection: ServerInspection): void {
    const holder = findStrangerAtWork(inspection, this.#outside.store.taps);
    if (holder === null) return;
    throw new AppError(
      'conflict',
      `A recorder is running on ${inspection.place}: ${holder.user ?? 'unknown user'} from ${holder.host ?? 'unknown host'} (connection ${holder.connectionId})`,
      { hint: RESTORES_ITSELF },
    );
  }

  /**
   * Makes sure that the recorder which left a server switched on is not between two connections: one
   * that is alive takes its lock again within seconds.
   * @returns what is left there now; null when it was restored meanwhile.
   * @throws AppError `conflict` when it came back.
   */
  async *#untilSilent(
    actor: Actor,
    { environment }: RecoveryTarget,
    found: Leftovers,
    signal: AbortSignal,
  ): Progress<WaitingForRecorder, Leftovers | null> {
    const { clock, servers, store } = this.#outside;
    let leftovers: Leftovers | null = found;
    let isSaid = false;
    while (leftovers !== null && leftovers.silentMs !== null && leftovers.silentMs < SILENT_MS) {
      const { recorder, silentMs } = leftovers;
      if (!isSaid) yield { recorder, silentMs, waitMs: SILENT_MS - silentMs };
      isSaid = true;
      await clock.sleep(LOOK_MS, signal);
      signal.throwIfAborted();
      requireLoggedIn(store, actor, clock.now());
      getEnvironment(store, actor, 'environment.reclaim', String(environment.id));
      const inspection = await (await servers()).inspect(environment.server, store.id);
      this.#refuseHeld(inspection);
      ({ leftovers } = inspection);
      if (leftovers !== null && leftovers.lastSign !== found.lastSign) {
        throw new AppError('conflict', 'The recorder of this server is alive', {
          hint: RESTORES_ITSELF,
        });
      }
    }
    return leftovers;
  }

  /** Does what the next daemon would do for a server that this store has to restore. */
  async #restoreOwn(
    actor: Actor,
    target: RecoveryTarget,
    restore: RestoreServer,
  ): Promise<RecoveredServer[]> {
    const { environment, pending } = target;
    if (pending === null) return [];
    const { tap, ending, finishing } = pending;
    const { warnings } = await restore(environment, tap, () =>
      this.#rules.end(actor, environment, tap, ending),
    );
    const { servers, store } = this.#outside;
    const source = await servers();
    const { settings } = await source.inspect(environment.server, store.id);
    const ids = [...ending, ...finishing].map(({ id }) => id).sort((a, b) => a - b);
    // What is there belongs to a capture, or to none any more.
    const unwanted = ids.length === 0 ? (target.logged ?? 0) : 0;
    const isReturned = source.returnsStatements(tap.settings);
    return [
      {
        ...nothingDone(target),
        recovered: true,
        endedCaptures: ids,
        returnedStatements: isReturned ? unwanted : 0,
        droppedStatements: isReturned ? 0 : unwanted,
        settings,
        warnings: [...warnings, ...this.#failedAmong(ids)],
      },
    ];
  }

  /** A capture that could not be finished does not keep its server from being restored. */
  #failedAmong(ids: readonly number[]): string[] {
    return ids.flatMap((id) => {
      const capture = this.#outside.store.captures.find(id);
      if (capture?.status !== 'FAILED') return [];
      return [
        `The capture "${capture.name}" (id ${id}) failed: ${capture.reason ?? 'reason unknown'}`,
      ];
    });
  }
}

const RESTORES_ITSELF = 'It restores the server by itself when its last capture ends.';

function nothingDone({ environment, server }: RecoveryTarget): RecoveredServer {
  return {
    environment: environment.name,
    server,
    recovered: false,
    endedCaptures: [],
    settings: null,
    savedStatements: 0,
    savedTo: null,
    returnedStatements: 0,
    droppedStatements: 0,
    warnings: [],
  };
}
