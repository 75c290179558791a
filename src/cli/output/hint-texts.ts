import type { Failure } from '../../core/errors.ts';
import type { Hint, ServerFault } from '../../core/hints.ts';
import { orList } from '../input/arguments.ts';
import { captureWord, shellQuoted } from '../render/shell-quoting.ts';

const LOCALLY = 'For the store of this machine: captures server use local';

/** What to do about a server of captures; `{url}` stands for its own, `{safe}` for the same with https. */
const SERVER_FAULTS: Readonly<Record<ServerFault, string>> = {
  refused: `Ask who runs it whether its daemon runs; if that is you: captures daemon --listen HOST:PORT. ${LOCALLY}`,
  no_such_host: `To see the servers you use: captures server list. ${LOCALLY}`,
  silent: `Try again, or ask who runs it. ${LOCALLY}`,
  lost: 'Run the command again. A change that was asked for may have been made: look first.',
  lost_in_clear:
    'It was asked over http. If it is https: captures login NAME --server {safe}. If it is not, run the command again. A change that was asked for may have been made: look first.',
  not_trusted:
    'If its certificate is of your own authority: captures login NAME --server {url} --server-ca FILE. With CAPTURES_TOKEN set NODE_EXTRA_CA_CERTS=FILE instead.',
  expired: 'Who runs it must renew it. Check also that the clock of this machine is right.',
  other_name: 'Log in by a name that it is for: captures login NAME --server https://NAME-OF-IT',
  no_encryption:
    'If it is on this machine, use http: captures login NAME --server {clear}. If it is not, ask who runs it.',
  only_encrypted: 'Use https: captures login NAME --server {safe}',
  moved: 'Log in where it is: captures login NAME --server URL',
  proxy: 'Try again, or ask who runs it whether its daemon runs.',
  busy: 'Try again in a moment.',
  not_understood:
    'Try again. If it goes on, something between may change its answers: ask who runs the server. A change that was asked for may have been made: look first.',
  not_ours: 'Is {url} right? To see the servers you use: captures server list',
};

/** The words of the command line for each hint; the compiler keeps the table complete. */
const WORDS: {
  readonly [Code in Hint['code']]: (hint: Hint & { readonly code: Code }) => string;
} = {
  check_server: ({ fault, url }) =>
    SERVER_FAULTS[fault]
      .replaceAll('{url}', url)
      .replaceAll('{safe}', url.replace('http:', 'https:'))
      .replaceAll('{clear}', url.replace('https:', 'http:')),
  other_version: ({ isServerNewer }) =>
    isServerNewer
      ? 'Update this program to the version of the server.'
      : 'Who runs the server can update it; until then use its version of this program.',
  list_users: () => 'To list the users: captures user list',
  make_store_admin: () => 'Create another one first: captures user create NAME --admin',
  ask_for_password: () =>
    'An administrator of the store can set a new password: captures user passwd NAME',
  list_tokens: () => 'To see yours: captures token list',
  list_schedules: ({ near }) =>
    `${didYouMean(near)}To see those of your environments: captures schedule list`,
  list_captures: ({ near }) =>
    `${didYouMean(near)}To see those of your environments: captures list`,
  list_own_environments: ({ near }) => `${didYouMean(near)}To see yours: captures env list`,
  other_name: ({ capture }) =>
    `Choose another name. To see that one: captures get ${captureWord(capture)}`,
  import_under_other_name: ({ capture }) =>
    `Choose another name with --name. To see that one: captures get ${captureWord(capture)}`,
  import_elsewhere: ({ environment }) =>
    `The file comes from an environment named ${shellQuoted(environment)}. Choose one of yours with --env, or create it: captures env create ${shellQuoted(environment)}`,
  export_when_over: ({ capture }) =>
    `Stop it first: captures stop ${shellQuoted(capture)}. Or export what is recorded so far: --format ndjson`,
  replay_when_over: ({ capture }) => `Stop it first: captures stop ${shellQuoted(capture)}`,
  see_replay: ({ capture }) => `To see what came of it: captures report ${captureWord(capture)}`,
  replay_source: ({ capture }) =>
    `Replay the capture that it is of: captures replay ${captureWord(capture)} --to ENVIRONMENT`,
  confirm_target: ({ environment, why }) =>
    `If that is meant: --confirm ${shellQuoted(environment)}${why === 'writes' ? ', or --yes' : ''}`,
  create_user: ({ user }) =>
    `An administrator of the store creates users: captures user create ${shellQuoted(user)}`,
  make_admin: ({ environment }) =>
    `Make another user its admin first: captures member add ${shellQuoted(environment)} USER --role admin`,
  let_make_admin: ({ environment, user }) =>
    `${user} can make another user its admin: captures member add ${shellQuoted(environment)} USER --role admin. If ${user} cannot any more, set a new password, log in as ${user} and do it: captures user passwd ${shellQuoted(user)}`,
  list_members: ({ environment }) =>
    `To see its members: captures member list ${shellQuoted(environment)}`,
  set_role: ({ environment, user, role }) =>
    `To change the role: captures member set ${shellQuoted(environment)} ${shellQuoted(user)} --role ${role}`,
  needs_server: () =>
    "A server's own metrics are sampled while its statements are recorded: only in an environment with a server (--url).",
  delete_captures_first: () => 'Delete them first, or everything at once with: --with-captures',
  warm_up_is_retried: ({ environment }) =>
    `It is retried until its time is up. To see its state: captures env warm-up ${shellQuoted(environment)}; to end it: add --stop`,
  see_why_not_restored: () => 'The daemon will retry. To see why: captures doctor',
  end_warm_up: ({ environment }) =>
    `End it first: captures env warm-up ${shellQuoted(environment)} --stop`,
  restore_server: ({ environment }) => {
    const recover = `captures recover ${shellQuoted(environment)}`;
    return `Stop its captures first; if none is running, restore the server: ${recover}. If it is gone for good: ${recover} --forget`;
  },
  schedule_over_at_once: () => 'Its --until is before the next run, or its --count is used up.',
  daemon_goes_on: () => 'A daemon continues it instead: captures daemon',
  give_up_capture: ({ environment, capture }) =>
    `End it first: captures stop ${captureWord({ environmentName: environment, name: capture })} --give-up`,
  point_back: ({ environment }) =>
    `Point it back at the first one: captures env edit ${shellQuoted(environment)} --url mysql://USER@HOST`,
  edit_at_store: ({ environment }) =>
    `To change it, on the server's machine: captures env edit ${shellQuoted(environment)} --url mysql://USER@HOST --password-from REFERENCE`,
  daemon_looks: () =>
    'While it runs, captures create works, and the daemon restores servers by itself.',
  replay_at_daemon: () =>
    'Whoever runs the daemon can replay to it, or anybody through its API: captures login NAME --server URL',
  warm_up_length: () => 'For example: --for 1h. It covers the sessions that connect in that time.',
  log_in: ({ user }) => `Log in with: captures login ${shellQuoted(user ?? 'NAME')}`,
  see_daemon_log: ({ log }) => `See why in ${log}, or run it in a terminal: captures daemon`,
  see_failure: ({ capture }) => `To see why: captures get ${shellQuoted(capture)}`,
  look_again: ({ capture }) => `Look at it again: captures get ${shellQuoted(capture)}`,
  cancel: ({ capture }) =>
    `To cancel a scheduled capture: captures delete ${shellQuoted(capture)}; to move its start: captures edit ${shellQuoted(capture)} --at WHEN`,
  stop_now: ({ capture }) => `To end it now: captures stop ${shellQuoted(capture)}`,
  see_what_is_kept: ({ capture }) =>
    `What was recorded until then is kept: captures get ${captureWord(capture)}`,
  end_without_rest: ({ capture }) =>
    `It finishes when the server can be read again. To end it without the rest: captures stop ${captureWord(capture)} --give-up`,
  say_which: ({ candidates }) =>
    `Say which: ${candidates.map((one) => `${captureWord(one)} (id ${one.id})`).join(', ')}`,
  scheduled_or_started: () => 'Leave out --start and --status, or leave out the scheduled start.',
  start_later: () => 'To start it later use: --at WHEN',
  from_now_on_or_finished: () =>
    'Leave out --start to record from now on, or give a --duration that has passed to register a finished window.',
  start_or_warm_up_first: ({ environment }) =>
    `Say when that is, for example --at +1h; or warm up first: captures env warm-up ${shellQuoted(environment)} --for 1h`,
  from_now_on_or_without_options: () =>
    'Leave out --start to record from now on, or the filters and guards.',
  approve: () => 'To confirm without a prompt add --yes.',
  restart_pools: () => 'Leave --recycle-sessions out, and restart the connection pools by hand.',
  switch_log_on: ({ withoutInstance, commands }) =>
    [
      'Run these as a user who may change the parameter group, then run this command again:',
      ...(withoutInstance === null
        ? []
        : [
            `# captures env edit ${shellQuoted(withoutInstance)} --instance ID --region R, and the group is looked up`,
          ]),
      ...commands,
    ].join('\n'),
  switch_warm_up_log_on: ({ instance, commands }) =>
    [
      `Run these as a user who may change ${instance === null ? 'GROUP' : `the group of ${instance}`}:`,
      ...commands,
    ].join('\n'),
  held_by_other_store: ({ environment }) =>
    `Let the daemon of that store end its captures. If it will never return: captures recover ${shellQuoted(environment ?? 'ENVIRONMENT')}`,
  see_how_to_switch_log_on: ({ environment }) =>
    `Its owner has to switch it on. To see how: captures env check ${shellQuoted(environment ?? 'ENVIRONMENT')}`,
  restore_first: ({ environment }) =>
    `Restore it first: captures recover ${shellQuoted(environment ?? 'ENVIRONMENT')}`,
  look_at_server_again: ({ environment }) =>
    `Nothing was changed. Let its daemon end what it records, or look again: captures env check ${shellQuoted(environment ?? 'ENVIRONMENT')}`,
  see_privileges: ({ environment, before }) =>
    `${before === null ? '' : `${before} `}To see which privileges are missing: captures env check ${shellQuoted(environment ?? 'ENVIRONMENT')}`,
  retried_or_recover: ({ environment, before }) =>
    `${before === null ? '' : `${before} `}The daemon will retry; by hand: captures recover ${shellQuoted(environment ?? 'ENVIRONMENT')}`,
  set_region: ({ environment }) =>
    `Set it: captures env edit ${shellQuoted(environment)} --region R (or AWS_REGION)`,
  set_instance: ({ environment }) =>
    `Set one with: captures env edit ${shellQuoted(environment)} --instance ID --region R`,
  check_instance: ({ environment, more }) =>
    `Check both: captures env edit ${shellQuoted(environment)} --instance ID --region R.${more === null ? '' : ` ${more}`}`,
  see_environment: ({ environment, more }) =>
    `${more === null ? '' : `${more} `}See: captures env get ${shellQuoted(environment)}`,
  give_an_export: () =>
    'An import reads what captures export CAPTURE --to FILE wrote. Export or copy it again.',
  ask_for_shorter_time: () => 'Ask for a shorter time: --from and --to, or a longer --period.',
  password_by_reference: () =>
    'Leave it out of the URL and say where it is: --password-from env:NAME, file:PATH or cnf:PATH#GROUP.',
  see_daemon_status: () => 'To see what it does: captures daemon --status',
  restore_stays_pending: () =>
    'The restore stays pending in the store; try again, or run: captures daemon',
  list_environments: () =>
    'Names of environments are unique in a store. To see yours: captures env list',
  make_store: () => 'Make one with: captures init',
  store_is_there: () =>
    'Log in with: captures login NAME. For a second store choose another folder with CAPTURES_HOME.',
  other_folder_or_new_store: () =>
    'Point CAPTURES_HOME at another folder, or move this file away and run: captures init',
  backup_or_new_store: () => 'Restore it from a backup, or move it away and run: captures init',
  pattern_syntax: () =>
    'In a pattern * stands for anything and ? for one character: captures help filters',
  statements_need_server: () =>
    'Statements are recorded only in an environment with a server (--url).',
  metrics_only: () => 'It is metrics-only: its environment has no server (--url).',
  search_digest: ({ capture, digest }) =>
    `To see its statements, if there are any: captures workload ${captureWord(capture)} --digest ${digest}`,
  list_digests: ({ capture }) => `To see its digests: captures report ${captureWord(capture)}`,
  see_metrics: ({ capture }) =>
    `It has metrics only. To see them: captures metrics ${captureWord(capture)}`,
  recorded_later: ({ capture }) =>
    `Nothing is recorded before it is RUNNING. To see how it stands: captures get ${captureWord(capture)}`,
  verify_files: ({ capture }) =>
    `To see what is left of it: captures verify ${captureWord(capture)}`,
  make_report: () => 'To make one: captures report CAPTURE --json > FILE',
  shorter_recording: () =>
    'For a shorter one leave --duration out: captures create NAME -- COMMAND ends with the command, any other with captures stop.',
  verify_later: () => 'It can be verified once it is RUNNING.',
  give_server: ({ environment }) =>
    `Give the environment a server: captures env edit ${shellQuoted(environment)} --url mysql://USER@HOST`,
};

function didYouMean(near: readonly string[]): string {
  return near.length === 0 ? '' : `Did you mean ${orList(near.map(shellQuoted))}? `;
}

/**
 * A hint in the words of the command line, perhaps several lines; null if there is none, or it is one of a server of
 * another version that this program does not know.
 */
export function hintText(hint: Failure['hint']): string | null {
  if (hint === null || typeof hint === 'string') return hint;
  if (!Object.hasOwn(WORDS, hint.code)) return null;
  try {
    return (WORDS[hint.code] as (hint: Hint) => string)(hint);
  } catch (error) {
    // Its data may be other there, too. What failed is still said.
    if (error instanceof TypeError) return null;
    throw error;
  }
}
