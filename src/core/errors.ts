import type { Approval } from './warm-ups/approvals.ts';

/**
 * Every failure a user can meet has one of these codes; anything else that is thrown is a bug.
 * The numbers are those of the reference API and, where it has none, the nearest that the web has.
 */
export const API_CODES = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  capture_failed: 424,
  declined: 499,
  internal: 500,
  remote_failed: 502,
  store_unusable: 503,
} as const;

export type ErrorCode = keyof typeof API_CODES;

/**
 * What to do next, where that is something a user does with this program: a code with its data, which
 * each user interface words in its own way.
 */
export type Hint =
  /** `user` is null where the name is not known, or must not be told. */
  | { readonly code: 'log_in'; readonly user: string | null }
  | { readonly code: 'list_users' | 'make_store_admin' | 'list_tokens' | 'list_schedules' }
  | { readonly code: 'create_user'; readonly user: string }
  /** Somebody else has to be an admin of the environment first. */
  | { readonly code: 'make_admin' | 'list_members'; readonly environment: string }
  | {
      readonly code: 'set_role';
      readonly environment: string;
      readonly user: string;
      readonly role: string;
    }
  | { readonly code: 'delete_captures_first' | 'needs_server' }
  | {
      readonly code: 'end_warm_up' | 'restore_server' | 'warm_up_is_retried';
      readonly environment: string;
    }
  | { readonly code: 'see_why_not_restored' }
  /** What ends a schedule comes before its next occurrence. */
  | { readonly code: 'schedule_over_at_once' }
  | { readonly code: 'warm_up_length' }
  /** What is recorded goes on with a daemon, and need not end. */
  | { readonly code: 'daemon_goes_on' }
  | { readonly code: 'give_up_capture'; readonly environment: string; readonly capture: string }
  /** The environment leads to another server than the one that is to be restored. */
  | { readonly code: 'point_back'; readonly environment: string }
  /** The password can be read only by the daemon. */
  | { readonly code: 'daemon_looks' }
  /** `log` is its file, or the folder where it is. */
  | { readonly code: 'see_daemon_log'; readonly log: string }
  /** What `capture` is in the next ones is what the user called it, or its full name. */
  | { readonly code: 'see_failure'; readonly capture: string }
  | { readonly code: 'look_again'; readonly capture: string }
  | { readonly code: 'cancel'; readonly capture: string }
  | { readonly code: 'stop_now'; readonly capture: string }
  | { readonly code: 'see_what_is_kept'; readonly capture: CaptureName }
  /** It waits for its server: it can be ended without what is still there. */
  | { readonly code: 'end_without_rest'; readonly capture: CaptureName }
  | {
      readonly code: 'say_which';
      readonly candidates: readonly (CaptureName & { readonly id: number })[];
    }
  /** What a new capture is asked for contradicts itself, or is not possible; what would be. */
  | { readonly code: 'scheduled_or_started' | 'start_later' | 'from_now_on_or_finished' }
  | { readonly code: 'start_or_warm_up_first'; readonly environment: string }
  | { readonly code: 'from_now_on_or_without_options' }
  | { readonly code: 'give_server'; readonly environment: string }
  /** What was asked for is done once these are approved. */
  | { readonly code: 'approve'; readonly approvals: readonly Approval[] }
  /** Sessions are not ended: their pools have to be restarted by hand. */
  | { readonly code: 'restart_pools' }
  /** What the server's owner runs to switch its log on, or the log that a warm-up needs. */
  | {
      readonly code: 'switch_log_on';
      /** The environment where it names no instance, of which more could be looked up; null else. */
      readonly withoutInstance: string | null;
      readonly commands: readonly string[];
    }
  | {
      readonly code: 'switch_warm_up_log_on';
      readonly instance: string | null;
      readonly commands: readonly string[];
    }
  /** What a server's source says; it knows no environments, so the use case names it. */
  | {
      readonly code:
        | 'held_by_other_store'
        | 'see_how_to_switch_log_on'
        | 'restore_first'
        | 'look_at_server_again';
      readonly environment: string | null;
    }
  /** The same behind a sentence of the source's, or alone where that is null. */
  | {
      readonly code: 'see_privileges' | 'retried_or_recover';
      readonly environment: string | null;
      readonly before: string | null;
    }
  /** What is wrong with an environment's description, in the eyes of a provider of metrics. */
  | { readonly code: 'set_region' | 'set_instance'; readonly environment: string }
  | {
      readonly code: 'check_instance' | 'see_environment';
      readonly environment: string;
      /** A sentence more; null for none. */
      readonly more: string | null;
    }
  | { readonly code: 'ask_for_shorter_time' | 'password_by_reference' }
  | { readonly code: 'see_daemon_status' | 'restore_stays_pending' }
  /** Where the store is, or is not. */
  | { readonly code: 'list_environments' | 'make_store' | 'store_is_there' }
  | { readonly code: 'other_folder_or_new_store' | 'backup_or_new_store' }
  | { readonly code: 'pattern_syntax' }
  /** Statements are recorded only where there is a server. */
  | { readonly code: 'statements_need_server' | 'metrics_only' | 'verify_later' };

/** A capture by its environment and name. */
export interface CaptureName {
  readonly environmentName: string;
  readonly name: string;
}

/** What an AppError says, as plain data. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  /** A text says what to do in words that suit every reader; null where nothing helps. */
  readonly hint: Hint | string | null;
}

/** A failure with a sentence for the user and, where there is one, a hint that says what to do next. */
export class AppError extends Error implements Failure {
  readonly code: ErrorCode;
  readonly hint: Hint | string | null;

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: Hint | string | null; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.hint = options.hint ?? null;
  }
}

/** The store is locked by another process just now: one that waits, waits; a command says so. */
export class StoreBusy extends AppError {
  constructor(message: string, options: { hint?: Hint | string | null; cause?: unknown } = {}) {
    super('store_unusable', message, options);
  }
}

export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code);
}

/** The message of whatever was thrown, for logs and for reasons kept with a capture. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
