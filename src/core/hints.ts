import type { Approval } from './warm-ups/approvals.ts';

/**
 * What to do next, where that is something a user does with this program: a code with its data, which
 * each user interface words in its own way.
 */
export type Hint =
  | { readonly code: PlainHint }
  /** `user` is null where the name is not known, or must not be told. */
  | { readonly code: 'log_in'; readonly user: string | null }
  | { readonly code: 'create_user'; readonly user: string }
  | {
      readonly code: 'set_role';
      readonly environment: string;
      readonly user: string;
      readonly role: string;
    }
  /** The user is the only one who can make somebody else an admin of it. */
  | { readonly code: 'let_make_admin'; readonly environment: string; readonly user: string }
  /** `near` are those that the user may see and may have meant. */
  | { readonly code: 'list_captures'; readonly near: readonly string[] }
  | { readonly code: 'list_schedules'; readonly near: readonly string[] }
  | { readonly code: 'list_own_environments'; readonly near: readonly string[] }
  | { readonly code: EnvironmentHint; readonly environment: string }
  /** `capture` is what the user called it, or its full name. */
  | {
      readonly code:
        | 'see_failure'
        | 'look_again'
        | 'cancel'
        | 'stop_now'
        | 'export_when_over'
        | 'replay_when_over';
      readonly capture: string;
    }
  /** What was recorded until then is kept; it waits for its server, and can be ended without the rest. */
  | {
      readonly code:
        | 'see_what_is_kept'
        | 'end_without_rest'
        | 'other_name'
        | 'import_under_other_name'
        | HintOfReport;
      readonly capture: CaptureName;
    }
  /** A replay has no record of its own; one of a record is made of its source, `capture`. */
  | { readonly code: 'see_replay' | 'replay_source'; readonly capture: CaptureName }
  /** What is asked for is done once the name of the target is given as `confirmed`. */
  | {
      readonly code: 'confirm_target';
      readonly environment: string;
      readonly why: TargetDoubt;
    }
  | { readonly code: 'search_digest'; readonly capture: CaptureName; readonly digest: string }
  | { readonly code: 'give_up_capture'; readonly environment: string; readonly capture: string }
  | {
      readonly code: 'say_which';
      readonly candidates: readonly (CaptureName & { readonly id: number })[];
    }
  /** `log` is its file, or the folder where it is. */
  | { readonly code: 'see_daemon_log'; readonly log: string }
  /** What was asked for is done once these are approved. */
  | { readonly code: 'approve'; readonly approvals: readonly Approval[] }
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
  /** Of a server that the use cases are asked of; `url` is where it is. */
  | { readonly code: 'check_server'; readonly fault: ServerFault; readonly url: string }
  | { readonly code: 'other_version'; readonly isServerNewer: boolean }
  /** What is wrong with an environment's description, in the eyes of a provider of metrics. */
  | {
      readonly code: 'check_instance' | 'see_environment';
      readonly environment: string;
      /** A sentence more; null for none. */
      readonly more: string | null;
    };

/**
 * Why a replay is not begun unasked: the target is the server that the record is from, or another one that the
 * store has recorded, or the replay may change its data.
 */
export type TargetDoubt = 'source' | 'recorded' | 'writes';

/** Why a server that the use cases are asked of cannot be, or was not understood. */
export type ServerFault =
  | 'refused'
  | 'no_such_host'
  | 'silent'
  | 'lost'
  /** The same, where it was asked without encryption: it may want that. */
  | 'lost_in_clear'
  | 'not_trusted'
  | 'expired'
  /** Its certificate is for other names. */
  | 'other_name'
  | 'no_encryption'
  /** It was asked without, and has nothing else. */
  | 'only_encrypted'
  | 'moved'
  /** What is in front of it has nothing behind it. */
  | 'proxy'
  /** It is being stopped, or too busy to answer. */
  | 'busy'
  | 'not_ours'
  /** It seems to be one of captures, and its answer has another form. */
  | 'not_understood';

/** A digest nobody has; a capture of which there are only metrics; one whose files are gone. */
type HintOfReport = 'list_digests' | 'see_metrics' | 'recorded_later' | 'verify_files';

type PlainHint =
  | 'list_users'
  | 'ask_for_password'
  | 'list_tokens'
  | 'list_environments'
  | 'make_store_admin'
  | 'delete_captures_first'
  | 'see_why_not_restored'
  | 'see_daemon_status'
  | 'restore_stays_pending'
  /** What ends a schedule comes before its next occurrence. */
  | 'schedule_over_at_once'
  | 'warm_up_length'
  /** What is recorded goes on with a daemon, and need not end. */
  | 'daemon_goes_on'
  /** The password can be read only by the daemon. */
  | 'daemon_looks'
  /** The same: who runs the daemon can replay to it, and so can its API. */
  | 'replay_at_daemon'
  /** What a new capture is asked for contradicts itself, or is not possible; what would be. */
  | 'scheduled_or_started'
  | 'start_later'
  | 'from_now_on_or_finished'
  | 'from_now_on_or_without_options'
  | 'pattern_syntax'
  /** Sessions are not ended: their pools have to be restarted by hand. */
  | 'restart_pools'
  /** Statements, and a server's own metrics, are recorded only where there is a server. */
  | 'statements_need_server'
  | 'needs_server'
  | 'metrics_only'
  | 'verify_later'
  /** What is to be imported is no export, or a damaged one. */
  | 'give_an_export'
  /** A capture is longer than what was asked for; what is recorded for as short as one wants. */
  | 'shorter_recording'
  /** What was given as a report is none. */
  | 'make_report'
  | 'ask_for_shorter_time'
  | 'password_by_reference'
  /** Where the store is, or is not. */
  | 'make_store'
  | 'store_is_there'
  | 'other_folder_or_new_store'
  | 'backup_or_new_store';

type EnvironmentHint =
  /** An archive comes from one of this name, which is not there. */
  | 'import_elsewhere'
  /** Somebody else has to be an admin of it first. */
  | 'make_admin'
  | 'list_members'
  | 'end_warm_up'
  | 'restore_server'
  | 'warm_up_is_retried'
  /** Its password is bound to its server: that is changed where the store is. */
  | 'edit_at_store'
  /** It leads to another server than the one that is to be restored. */
  | 'point_back'
  | 'start_or_warm_up_first'
  | 'give_server'
  | 'set_region'
  | 'set_instance';

/** A capture by its environment and name. */
export interface CaptureName {
  readonly environmentName: string;
  readonly name: string;
}
