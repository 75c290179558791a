import type { Failure } from './errors.ts';

/** What a user should know of something that is done for them: a code with its data, as hints are. */
export type Notice =
  /** What the server's source says of it, one sentence. */
  | { readonly code: 'server_warning'; readonly text: string }
  /** Only the daemon can read the password. */
  | { readonly code: 'daemon_checks_server' }
  /** A capture that starts later: the server has to be there then. */
  | { readonly code: 'server_not_checked'; readonly failure: Failure }
  /** Values are recorded without a warm-up, for `server` logs them always or a log of its owner is on. */
  | {
      readonly code: 'warm_up_not_needed';
      readonly server: { readonly flavor: string; readonly version: string };
      readonly ownersLog: 'general_log' | 'slow_log' | null;
    }
  | { readonly code: 'recycling_not_needed'; readonly why: 'always_logged' | 'all_covered' }
  /** As the server is now no session would be ended at the start. */
  | { readonly code: 'recycling_not_possible'; readonly failure: Failure }
  | { readonly code: 'no_session_to_recycle'; readonly users: readonly string[] }
  /** No daemon is alive that stays until `from`, or until the scheduled start where that is null. */
  | {
      readonly code: 'lasting_daemon_needed';
      readonly isOneAlive: boolean;
      readonly warmUpFrom: number | null;
    }
  /** A warm-up goes before a start; `wanted` is how long it was to be, in milliseconds. */
  | {
      readonly code: 'warm_up_planned';
      readonly from: number;
      readonly until: number;
      readonly wanted: number;
    }
  | { readonly code: 'no_daemon_for_schedule' }
  /** Warm-ups of a schedule leave no time between them. */
  | { readonly code: 'warm_ups_without_pause' };

/** A notice in the course of a use case. */
export interface Noticed {
  readonly type: 'notice';
  readonly notice: Notice;
}
