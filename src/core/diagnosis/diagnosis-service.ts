import type { Actor } from '../access.ts';
import { hasLiveDaemon } from '../daemon/daemon-starter.ts';
import { holderOf } from '../daemon/daemon-service.ts';
import { readSavedStatus } from '../daemon/daemon-status.ts';
import type { Environment, ServerAddress } from '../environments/environment.ts';
import { readServer } from '../environments/readiness.ts';
import { isLeftToDaemon } from '../environments/server-looks.ts';
import { AppError, isAppError, messageOf } from '../errors.ts';
import type { Outside } from '../outside.ts';
import { listNeglected } from '../recovery/recovery-rules.ts';
import { formatDuration } from '../units.ts';
import type { Fact, Finding } from './finding.ts';

/** A server that takes longer to be looked at is no better than one that is not there. */
const PATIENCE_MS = 10_000;
/** A recorder that lives gives a sign every few seconds. */
const SILENT_MS = 60_000;
/** More than any way to a server takes, and than NTP leaves. */
const MOST_APART_MS = 2_000;
const MUCH_LAG_MS = 10_000;

/** Looks at what captures need, in the order in which one thing needs the other. */
export class DiagnosisService {
  readonly #outside: Outside;

  constructor(outside: Outside) {
    this.#outside = outside;
  }

  /**
   * Looks at workloads and the daemon. Never rejects for what it finds.
   * @param viewer is told where they administer the store; null for who can read the store itself.
   */
  async ofStore(viewer: Actor | null = null): Promise<Finding[]> {
    if (viewer?.isStoreAdmin === false) return [];
    return [...(await this.#workloads()), aboutStore('daemon', this.#daemon())];
  }

  /** Looks at the servers and metrics of every environment of a user, all at once; as `ofStore`. */
  async ofEnvironments(actor: Actor): Promise<Finding[]> {
    const { store, clock } = this.#outside;
    const environments = store.environments.listFor(actor);
    const hasDaemon = hasLiveDaemon(store, clock.now());
    const unrestored = listNeglected(store, actor, hasDaemon).map((server) =>
      aboutStore('recorder', failed({ is: 'server_neglected', server, hasDaemon })),
    );
    if (environments.length === 0) {
      return [...unrestored, aboutStore('environments', warning({ is: 'no_environments' }))];
    }
    const found = await Promise.all(environments.map((one) => this.#environment(one)));
    return [...unrestored, ...found.flat()];
  }

  async #workloads(): Promise<Finding[]> {
    const { store, workloads } = this.#outside;
    const found: Checked[] = [];
    try {
      const orphans = await (await workloads()).findOrphans();
      if (orphans.length > 0) found.push(warning({ is: 'orphaned_workloads', orphans }));
      const count = store.removals.list().length;
      if (count > 0) found.push(warning({ is: 'unfinished_removals', count }));
    } catch (error) {
      found.push(failureOf(error));
    }
    return found.map((checked) => aboutStore('workloads', checked));
  }

  /** Whether there is a daemon where one is needed, and whether it keeps up. */
  #daemon(): Checked {
    const { store, clock } = this.#outside;
    const now = clock.now();
    const holder = holderOf(store, now);
    if (holder !== null) {
      const lags = (readSavedStatus(store, now)?.taps ?? []).map(({ lagMs }) => lagMs ?? 0);
      const lagMs = lags.length === 0 ? null : Math.max(...lags);
      const fact = { is: 'daemon_alive', holder, lagMs } as const;
      return (lagMs ?? 0) > MUCH_LAG_MS ? warning(fact) : ok(fact);
    }
    const count = store.captures
      .listByStatus(['STARTED', 'STARTING', 'RUNNING', 'STOPPING'])
      .filter(({ recordsStatements }) => recordsStatements).length;
    if (count > 0) return failed({ is: 'captures_wait', count });
    if (store.warmUps.listOpen().length > 0) return failed({ is: 'warm_up_waits' });
    if (store.taps.list().length > 0) return failed({ is: 'restore_waits' });
    const warming = store.captures.nextWarming();
    const due = store.captures.nextDue();
    if (warming !== null && (due === null || warming < due)) {
      return warning({ is: 'warm_up_due', at: warming });
    }
    return due === null ? ok({ is: 'daemon_not_needed' }) : warning({ is: 'capture_due', at: due });
  }

  async #environment(environment: Environment): Promise<Finding[]> {
    const { server, instance } = environment;
    const [atServer, ofMetrics] = await Promise.all([
      server === null ? [] : this.#server(environment, server),
      instance === null ? [] : this.#metrics(environment),
    ]);
    const found = [...atServer, ...ofMetrics];
    return (found.length > 0 ? found : [ok({ is: 'nothing_to_check' })]).map((checked) => ({
      check: 'environment',
      environment: environment.name,
      ...checked,
    }));
  }

  async #server(environment: Environment, server: ServerAddress): Promise<Checked[]> {
    try {
      if (await isLeftToDaemon(this.#outside, server)) return [ok({ is: 'daemon_checks_server' })];
      const look = readServer(this.#outside, { ...environment, server });
      const { inspection, refusal } = await this.#bounded(look);
      if (refusal !== null) return [failureOf(refusal)];
      const { leftovers, lockHolder, clockAheadMs, deadManObstacle, warnings } = inspection;
      const silentMs = leftovers?.silentMs ?? null;
      const isLeft =
        leftovers !== null && lockHolder === null && (silentMs === null || silentMs >= SILENT_MS);
      const isApart = Math.abs(clockAheadMs) > MOST_APART_MS;
      return [
        ok({ is: 'server_ready', server: inspection.server, place: inspection.place }),
        ...(isLeft ? [warning({ is: 'left_behind', silentMs })] : []),
        // Times in a record are the server's; schedules go by ours.
        ...(isApart ? [warning({ is: 'clock_apart', aheadMs: clockAheadMs })] : []),
        ...[deadManObstacle ?? [], warnings].flat().map((text) => warning({ is: 'said', text })),
      ];
    } catch (error) {
      const found = failureOf(error);
      // A password that is not where it is said to be: nothing is wrong with what was asked.
      return [found.code === 'invalid' ? { ...found, code: 'remote_failed' } : found];
    }
  }

  /** A warning, not a failure: statements are recorded without the provider's metrics. */
  async #metrics(environment: Environment): Promise<Checked[]> {
    try {
      const { provider } = await this.#outside.metricSources();
      return [ok({ is: 'said', text: await this.#bounded(provider.checkAccess(environment)) })];
    } catch (error) {
      return [warning(failureOf(error).fact)];
    }
  }

  /** @throws AppError `remote_failed` when it takes too long. */
  async #bounded<Result>(work: Promise<Result>): Promise<Result> {
    const done = new AbortController();
    const late = this.#outside.clock.sleep(PATIENCE_MS, done.signal).then((): never => {
      throw new AppError('remote_failed', `No answer within ${formatDuration(PATIENCE_MS)}`, {
        hint: 'Check address, firewall and load of the server.',
      });
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      late.catch(() => undefined);
      done.abort();
    }
  }
}

type Checked = Pick<Finding, 'status' | 'code' | 'fact'>;

function aboutStore(check: Finding['check'], checked: Checked): Finding {
  return { check, environment: null, ...checked };
}

function ok(fact: Fact): Checked {
  return { status: 'ok', code: null, fact };
}

function warning(fact: Fact): Checked {
  return { status: 'warn', code: null, fact };
}

function failed(fact: Fact): Checked {
  return { status: 'fail', code: 'capture_failed', fact };
}

function failureOf(error: unknown): Checked {
  const failure = isAppError(error)
    ? error
    : { code: 'internal' as const, message: messageOf(error), hint: null };
  return { status: 'fail', code: failure.code, fact: { is: 'failure', failure } };
}
