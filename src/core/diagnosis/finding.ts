import type { DaemonHolder } from '../daemon/daemon-service.ts';
import type { ErrorCode, Failure } from '../errors.ts';
import type { UnrestoredServer } from '../recovery/recovery-rules.ts';
import type { ServerIdentity } from '../source.ts';
import type { OrphanedWorkload } from '../workloads/workload-files.ts';

/** One thing that was looked at. */
export interface Finding {
  readonly check: 'workloads' | 'daemon' | 'recorder' | 'environments' | 'environment';
  /** The environment's name where it is about one. */
  readonly environment: string | null;
  readonly status: 'ok' | 'warn' | 'fail';
  /** What kind of failure it is; null unless it failed. */
  readonly code: ErrorCode | null;
  readonly fact: Fact;
}

/** What was found: a code with its data, which each user interface words in its own way. */
export type Fact =
  | { readonly is: 'failure'; readonly failure: Failure }
  /** Workloads that no capture has. */
  | { readonly is: 'orphaned_workloads'; readonly orphans: readonly OrphanedWorkload[] }
  /** Captures whose workloads are still to be removed. */
  | { readonly is: 'unfinished_removals'; readonly count: number }
  /** `lagMs`: how far the record is behind, at most; null where nothing is recorded. */
  | { readonly is: 'daemon_alive'; readonly holder: DaemonHolder; readonly lagMs: number | null }
  | { readonly is: 'daemon_not_needed' }
  /** None is alive, and so many captures, a warm-up, or a server to restore wait for one. */
  | { readonly is: 'captures_wait'; readonly count: number }
  | { readonly is: 'warm_up_waits' | 'restore_waits' }
  /** None is alive, and one is needed at a time to come. */
  | { readonly is: 'capture_due' | 'warm_up_due'; readonly at: number }
  | {
      readonly is: 'server_neglected';
      readonly server: UnrestoredServer;
      readonly hasDaemon: boolean;
    }
  | { readonly is: 'no_environments' | 'nothing_to_check' | 'daemon_checks_server' }
  | { readonly is: 'server_ready'; readonly server: ServerIdentity; readonly place: string }
  /** What a source or a provider of metrics says, a sentence. */
  | { readonly is: 'said'; readonly text: string }
  /** A recorder left its log on; `silentMs`: how long ago its last sign of life was. */
  | { readonly is: 'left_behind'; readonly silentMs: number | null }
  | { readonly is: 'clock_apart'; readonly aheadMs: number };
