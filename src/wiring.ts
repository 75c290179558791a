/**
 * Where the program is put together: the only module that chooses a store, a source of statements and a
 * source of metrics. What takes 5 ms or more to load is loaded when it is first needed.
 */
import { createApi, type Api } from './core/api.ts';
import { CallLog } from './core/audit/call-log.ts';
import type { Origin } from './core/audit/audit-trail.ts';
import type { Clock } from './core/clock.ts';
import { awaitedDaemons } from './core/daemon/awaited-daemons.ts';
import type { StartedDaemon } from './core/daemon/daemon-starter.ts';
import { refuseConfined, restricting, type AllowServer } from './core/environments/confinement.ts';
import type { ServerAddress } from './core/environments/environment.ts';
import { AppError } from './core/errors.ts';
import type {
  MetricProvider,
  MetricSources,
  OpenMetricSource,
} from './core/metrics/metric-source.ts';
import type { LogSwitchCommands, Outside } from './core/outside.ts';
import type { Restorer } from './core/recovery/restorer.ts';
import type { ReplayTargets } from './core/replays/target.ts';
import type { Source } from './core/source.ts';
import type { ScryptCost } from './core/users/passwords.ts';
import type { Progress } from './core/progress.ts';
import type {
  Verification,
  VerificationProgress,
} from './core/verification/verification-service.ts';
import type { Store } from './core/store.ts';
import type { CompareCounters } from './core/verification/server-counters.ts';
import { checkProvider } from './metrics-source/cloudwatch/provider-form.ts';
import { programVersion } from './package.ts';
import { parseServerUrl } from './source/mysql/connection/server-url.ts';
import type { StoreInspection } from './store/store-inspection.ts';
import { isWritableByOthers } from './store/ownership.ts';
import { hasStore, openStore, openStoreToRead, storeClosed } from './store/sqlite-store.ts';

export { PROVIDER_FORMS } from './metrics-source/cloudwatch/provider-form.ts';

/** What a program hands in. */
export interface Machine extends Origin {
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly passwordCost?: ScryptCost | undefined;
  serverLogs(): Promise<Source>;
  isRunning(pid: number): boolean;
  startDaemon(storeDirectory: string): Promise<StartedDaemon>;
}

/** Reaches MySQL and MariaDB servers. */
export async function mysqlServers(): Promise<Source> {
  const { mysqlSource } = await import('./source/mysql/mysql-source.ts');
  return mysqlSource;
}

/**
 * The password behind a reference.
 * @throws AppError `invalid` where this process cannot have it.
 */
export async function readPassword(
  reference: string | null,
  env: Machine['env'],
): Promise<string | null> {
  const { resolvePassword } = await import('./source/mysql/connection/database-credentials.ts');
  return resolvePassword(reference, env);
}

/**
 * Looks at the file of a password reference.
 * @returns why this process cannot read it, in words that follow its name; null if it can.
 * @throws AppError `invalid` for a file that would be refused.
 */
export async function checkReference(reference: string): Promise<string | null> {
  const { checkReference } = await import('./source/mysql/connection/database-credentials.ts');
  return checkReference(reference);
}

/** The AWS profiles that a user of this machine has. */
export async function listAwsProfiles(user: {
  readonly env: Machine['env'];
  readonly home: string;
}): Promise<string[]> {
  const { listAwsProfiles } = await import('./metrics-source/cloudwatch/profiles.ts');
  return listAwsProfiles(user);
}

/** CloudWatch, asked by what is handed in. */
export async function metricProvider(open: OpenMetricSource): Promise<MetricProvider> {
  const { cloudWatchProvider } = await import('./metrics-source/cloudwatch/provider.ts');
  return cloudWatchProvider(open);
}

async function compareCounters(): Promise<CompareCounters> {
  const { compareCounters } = await import('./source/mysql/counters/comparison.ts');
  return compareCounters;
}

/** See `waitBriefly`. */
export const BRIEF_PATIENCE_MS = 1_000;

/** One store with everything that belongs to it. Each part is opened when it is first asked for. */
export class Wiring {
  readonly #machine: Machine;
  readonly #paths: { readonly store: string };
  readonly #allow: AllowServer;
  readonly #isLeftToDaemon: (server: ServerAddress) => Promise<boolean>;
  readonly #confinement: Outside['confinement'];
  #store: Store | null = null;
  /** A connection of its own, which waits for nobody. */
  #storeOfCalls: Store | null = null;
  /** Absent: as long as any command waits. */
  #patience: number | undefined;
  #api: Api | null = null;
  #isClosed = false;

  /**
   * @param paths the folder of the store, found when it is first asked for.
   * @param allow restricts servers to the credentials that this process may use.
   * @param isLeftToDaemon whether only a daemon may have the password of a server.
   * @param confinement what others may describe from elsewhere.
   */
  constructor(
    machine: Machine,
    paths: { readonly store: string },
    allow: AllowServer = refuseConfined,
    isLeftToDaemon: (server: ServerAddress) => Promise<boolean> = () => Promise.resolve(false),
    confinement: Outside['confinement'] = refuseDescription,
  ) {
    this.#machine = machine;
    this.#paths = paths;
    this.#allow = allow;
    this.#isLeftToDaemon = isLeftToDaemon;
    this.#confinement = confinement;
  }

  /** @throws AppError `store_unusable`, also where there is no store. */
  get store(): Store {
    if (this.#isClosed) throw storeClosed(this.#paths.store);
    this.#store ??= openStore(this.#paths.store, this.#patience);
    return this.#store;
  }

  get isStoreOpen(): boolean {
    return this.#store !== null;
  }

  /** @throws AppError `store_unusable` when the file system does not say. */
  get hasStore(): boolean {
    return hasStore(this.#paths.store);
  }

  /** Whether others than the system's user of this process can write the store now. */
  get isStoreShared(): boolean {
    return isWritableByOthers(this.#paths.store);
  }

  /**
   * Opens the store for a look that changes nothing: one of another version is not brought up to date.
   * @throws AppError `store_unusable`.
   */
  openToRead(): void {
    this.#store ??= openStoreToRead(this.#paths.store);
  }

  /** Reads the URL of a database server. @throws AppError `invalid`. */
  readonly parseServerUrl = parseServerUrl;

  /** A store that was just made, open already. */
  adoptStore(store: Store): void {
    this.#store = store;
  }

  /** @throws AppError `store_unusable`, also where there is no store. */
  get api(): Api {
    this.#api ??= createApi(this.outside);
    return this.#api;
  }

  /**
   * The use cases for the requests from an address, in a process that belongs to a daemon: it starts none, and waits
   * for the one that takes over. What they change is said to come from the address.
   * @throws AppError `store_unusable`, also where there is no store.
   */
  apiFor(address: string): Api {
    const { outside } = this;
    const { userName, hostName, pid } = this.#machine;
    const origin = { userName, hostName, pid, address };
    const daemons = awaitedDaemons(outside, (pid) => this.#machine.isRunning(pid));
    return createApi({ ...outside, origin, daemons });
  }

  /**
   * For a process that answers many at the same time: where another one holds the store locked, it waits no longer
   * than this for it, since nobody is answered meanwhile. Before the store is opened.
   */
  waitBriefly(): void {
    this.#patience = BRIEF_PATIENCE_MS;
  }

  /** Tries whether the store can be written just now; changes nothing. @throws StoreBusy where another process writes. */
  tryWrite(): void {
    this.#storeOfCalls ??= openStore(this.#paths.store, 0);
    this.#storeOfCalls.transaction(() => undefined);
  }

  /** Writes down the calls of the API, and waits for nobody to do it. @throws AppError as `apiFor`. */
  callLog(): CallLog {
    this.#storeOfCalls ??= openStore(this.#paths.store, 0);
    return new CallLog(this.#storeOfCalls, this.#machine.clock);
  }

  /** What the use cases are given. @throws AppError `store_unusable`, also where there is no store. */
  get outside(): Outside {
    return {
      store: this.store,
      clock: this.#machine.clock,
      origin: this.#machine,
      program: () => ({ name: 'captures', version: programVersion() }),
      servers: () => this.servers(),
      replayTargets: () => this.replayTargets(),
      replayPlayer: async () => {
        const { player } = await import('./replay/player.ts');
        return player;
      },
      parseServerUrl,
      checkProvider,
      isLeftToDaemon: this.#isLeftToDaemon,
      confinement: this.#confinement,
      restorer: () => this.#restorer(),
      passwordCost: this.#machine.passwordCost,
      workloads: async () => {
        const { workloadFiles } = await import('./workload/stored-workloads.ts');
        return workloadFiles(this.store);
      },
      compareCounters,
      serverDigestKey: async () => {
        const { serverDigestKey } = await import('./sql/server-digest.ts');
        return serverDigestKey;
      },
      measuresExecutes: async () => {
        const { measuresExecutes } = await import('./source/mysql/counters/measured-executes.ts');
        return measuresExecutes;
      },
      daemons: {
        start: (folder) => this.#machine.startDaemon(folder),
        isRunning: (pid) => this.#machine.isRunning(pid),
      },
      metricSources: () => this.metricSources(),
      logSwitchCommands: this.logSwitchCommands,
    };
  }

  async #restorer(): Promise<Restorer> {
    const [{ asOnlyDaemon, requireNoDaemon }, { reclaimServer, requireEmptyFolder }] =
      await Promise.all([import('./daemon/only-daemon.ts'), import('./daemon/reclaim.ts')]);
    const { store } = this;
    const { clock, hostName: hostname, pid, userName } = this.#machine;
    const source = await this.servers();
    const running = { hostname, pid, userName, programVersion: programVersion() };
    return {
      requireEmptyFolder,
      requireNoDaemon: (signal) => requireNoDaemon({ store, clock }, signal),
      asOnlyDaemon: (signal, work) =>
        asOnlyDaemon({ store, clock, source, log: () => undefined, ...running }, signal, work),
      reclaim: (...args) => reclaimServer({ source, storeId: store.id, ...running }, ...args),
    };
  }

  /** Servers; looks at one that is being recorded are noted, so that its record stays true. */
  async servers(allow = this.#allow): Promise<Source> {
    const { notingLooks } = await import('./core/verification/noted-looks.ts');
    return restricting(notingLooks(await this.#machine.serverLogs(), this.store), allow);
  }

  /** Servers that records are replayed to: whoever logs in there, with credentials that this process may use. */
  async replayTargets(): Promise<ReplayTargets> {
    const { mysqlTargets } = await import('./source/mysql/replay/replay-targets.ts');
    return mysqlTargets(this.#allow);
  }

  /** CloudWatch. */
  readonly openMetricSource: OpenMetricSource = async (environment, signal) => {
    const { openCloudWatch } = await import('./metrics-source/cloudwatch/cloudwatch.ts');
    const { clock } = this.#machine;
    return openCloudWatch(environment, { clock, random: Math.random, signal });
  };

  async metricSources(): Promise<MetricSources> {
    const [provider, { engineMetrics }] = await Promise.all([
      metricProvider(this.openMetricSource),
      import('./metrics-source/mysql-status/engine-metrics.ts'),
    ]);
    return { provider, counters: engineMetrics };
  }

  /** What to run where only the server's owner can switch its log on: asks AWS which group that is. */
  readonly logSwitchCommands: LogSwitchCommands = async (environment, purpose) => {
    const { logSwitchCommands } = await import('./metrics-source/cloudwatch/switching-commands.ts');
    return logSwitchCommands(environment, purpose);
  };

  /** Verifies a copy of a workload, by its manifest alone: needs no store. */
  async *verifyFolder(
    folder: string,
    minValues: number | null,
  ): Progress<VerificationProgress, Verification> {
    const { folderReader } = await import('./workload/stored-workloads.ts');
    const { verifyWorkload } = await import('./core/verification/verification-service.ts');
    const compare = await compareCounters();
    const subject = { capture: null, recording: null, folder, minValues };
    return yield* verifyWorkload(folderReader, compare, this.#machine.clock, subject);
  }

  /** Looks at how the store is kept. @throws AppError `store_unusable`. */
  async inspectStore(): Promise<StoreInspection> {
    const { inspectStore } = await import('./store/store-inspection.ts');
    return inspectStore(this.#paths.store);
  }

  /** For good: what is asked of it afterwards is refused. */
  close(): void {
    this.#isClosed = true;
    this.#store?.close();
    this.#store = null;
    this.#storeOfCalls?.close();
    this.#storeOfCalls = null;
    this.#api = null;
  }
}

/** In a process that lets nobody from elsewhere in. */
function refuseDescription(): Promise<never> {
  return Promise.reject(
    new AppError('invalid', 'Environments are not described from elsewhere here'),
  );
}
