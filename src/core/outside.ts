import type { Origin } from './audit/audit-trail.ts';
import type { Clock } from './clock.ts';
import type { Confinement } from './environments/confinement.ts';
import type {
  Environment,
  ProviderFields,
  ServerAddress,
  ServerLocation,
} from './environments/environment.ts';
import type { DaemonProcesses } from './daemon/daemon-starter.ts';
import type { MetricSources } from './metrics/metric-source.ts';
import type { Restorer } from './recovery/restorer.ts';
import type { ReplayPlayer } from './replays/replay-player.ts';
import type { ReplayTargets } from './replays/target.ts';
import type { Source } from './source.ts';
import type { Store } from './store.ts';
import type { ScryptCost } from './users/passwords.ts';
import type { CompareCounters } from './verification/server-counters.ts';
import type { WorkloadFiles } from './workloads/workload-files.ts';

/** What to run where only the owner of an environment's server can switch its logs on. */
export type LogSwitchCommands = (
  environment: Environment,
  purpose: 'recording' | 'warm_up',
) => Promise<readonly string[]>;

/** What the use cases need of what lies outside `core`: handed in where the program is put together. */
export interface Outside {
  readonly store: Store;
  readonly clock: Clock;
  /** The user, host and process behind a change, for the audit trail. */
  readonly origin: Origin;
  /** What makes a report, for who reads it later. */
  readonly program: () => { readonly name: string; readonly version: string };
  /** Absent for the usual one. */
  readonly passwordCost: ScryptCost | undefined;
  /** Reaches servers with the credentials that this process may use. Loaded at the first call. */
  readonly servers: () => Promise<Source>;
  /** Servers that records are replayed to, with the same credentials. Loaded at the first call. */
  readonly replayTargets: () => Promise<ReplayTargets>;
  /** What sends a record to a target. Loaded at the first call. */
  readonly replayPlayer: () => Promise<ReplayPlayer>;
  /**
   * Reads the URL of a server.
   * @throws AppError `invalid`; a password in the URL is refused, because the URL is stored and shown.
   */
  readonly parseServerUrl: (url: string) => ServerLocation;
  /** @throws AppError `invalid` for a field that cannot be what it is called. */
  readonly checkProvider: (described: Partial<ProviderFields>) => void;
  /** What the user of this process lets others describe from elsewhere. Loaded at the first call. */
  readonly confinement: () => Promise<Confinement>;
  /** Whether this process cannot have the password of a server that the store's daemon may have. */
  readonly isLeftToDaemon: (server: ServerAddress) => Promise<boolean>;
  readonly restorer: () => Promise<Restorer>;
  /** Compares records with servers' own counters. Loaded at the first call. */
  readonly compareCounters: () => Promise<CompareCounters>;
  /** What a digest of ours and a server's own of the same statements have in common. Loaded at the first call. */
  readonly serverDigestKey: () => Promise<(text: string) => string>;
  /** Whether a server of that name for its kind measures executes of prepared statements. Loaded at the first call. */
  readonly measuresExecutes: () => Promise<(flavor: string) => boolean>;
  /** The files of this store's workloads. Loaded at the first call. */
  readonly workloads: () => Promise<WorkloadFiles>;
  readonly daemons: DaemonProcesses;
  readonly metricSources: () => Promise<MetricSources>;
  readonly logSwitchCommands: LogSwitchCommands;
}
