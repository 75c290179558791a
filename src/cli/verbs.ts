import type { LoadedCommand } from './command.ts';

type Load = () => Promise<{ readonly command: LoadedCommand }>;

/** One word of the command line: a command, or a noun with commands of its own. */
export type Verb = {
  readonly name: string;
  /** One line for its help, its manual page and completion. */
  readonly summary: string;
  /** A few words for `captures --help`, where two commands share a line; null below a noun. */
  readonly brief: string | null;
} & ({ readonly load: Load } | { readonly verbs: readonly Verb[] });

function command(name: string, summary: string, brief: string, load: Load): Verb {
  return { name, summary, brief, load };
}

function verb(name: string, summary: string, load: Load): Verb {
  return { name, summary, brief: null, load };
}

function noun(name: string, summary: string, brief: string, verbs: readonly Verb[]): Verb {
  return { name, summary, brief, verbs };
}

const CAPTURES: readonly Verb[] = [
  command(
    'create',
    'start or schedule a capture',
    'start or schedule one',
    () => import('./commands/create.ts'),
  ),
  command('list', 'list captures', 'list them', () => import('./commands/list.ts')),
  command('get', 'show one capture', 'show one', () => import('./commands/get.ts')),
  command(
    'stop',
    'stop a running capture',
    'stop a running one',
    () => import('./commands/stop.ts'),
  ),
  command(
    'edit',
    'rename a capture, or move its start or end',
    'rename it, move its times',
    () => import('./commands/edit.ts'),
  ),
  command(
    'delete',
    'delete captures and their workloads',
    'delete them',
    () => import('./commands/delete.ts'),
  ),
  noun('schedule', 'run captures again and again: recurring schedules', 'recurring captures', [
    verb('create', 'create a recurring schedule', () => import('./commands/schedule/create.ts')),
    verb('list', 'list your schedules', () => import('./commands/schedule/list.ts')),
    verb('get', 'show one schedule', () => import('./commands/schedule/get.ts')),
    verb('next', 'show the next runs of a schedule', () => import('./commands/schedule/next.ts')),
    verb('edit', 'change a schedule', () => import('./commands/schedule/edit.ts')),
    verb(
      'pause',
      'pause a schedule until it is resumed',
      () => import('./commands/schedule/pause.ts'),
    ),
    verb('resume', 'resume a paused schedule', () => import('./commands/schedule/resume.ts')),
    verb(
      'delete',
      'delete a schedule; captures that have started stay',
      () => import('./commands/schedule/delete.ts'),
    ),
  ]),
  command('prune', 'delete old captures', 'delete old ones', () => import('./commands/prune.ts')),
];

const AFTER_A_CAPTURE: readonly Verb[] = [
  command(
    'workload',
    'print the statements that a capture recorded',
    'print its statements',
    () => import('./commands/workload.ts'),
  ),
  command(
    'metrics',
    'show what the server did during a capture, as charts or data',
    'what the server did',
    () => import('./commands/metrics.ts'),
  ),
  command(
    'verify',
    'check how complete the record of a capture is',
    'is the record complete?',
    () => import('./commands/verify.ts'),
  ),
  command(
    'log',
    'show who changed what, when, from where and why',
    'who changed what, and when',
    () => import('./commands/log.ts'),
  ),
];

const SERVERS_AND_USERS: readonly Verb[] = [
  command(
    'init',
    'create the store and its first user, and log in',
    'create the store, once',
    () => import('./commands/init.ts'),
  ),
  noun('env', 'manage environments: the servers to capture', 'the servers to capture', [
    verb('create', 'create an environment', () => import('./commands/env/create.ts')),
    verb('list', 'list your environments', () => import('./commands/env/list.ts')),
    verb('get', 'show one environment', () => import('./commands/env/get.ts')),
    verb('edit', 'change an environment', () => import('./commands/env/edit.ts')),
    verb('delete', 'delete an environment', () => import('./commands/env/delete.ts')),
    verb(
      'check',
      'connect and check whether a capture could start',
      () => import('./commands/env/check.ts'),
    ),
    verb(
      'warm-up',
      'cover new sessions, so that a later capture records their values',
      () => import('./commands/env/warm-up.ts'),
    ),
  ]),
  noun('member', 'manage the members of an environment', 'who may use a server', [
    verb('add', 'add a user to an environment', () => import('./commands/member/add.ts')),
    verb('list', 'list the members of an environment', () => import('./commands/member/list.ts')),
    verb('set', 'change the role of a member', () => import('./commands/member/set.ts')),
    verb('remove', 'remove a member, or leave', () => import('./commands/member/remove.ts')),
  ]),
  noun('user', 'manage users and passwords', 'users and passwords', [
    verb('create', 'create a user', () => import('./commands/user/create.ts')),
    verb('list', 'list the users of the store', () => import('./commands/user/list.ts')),
    verb('delete', 'delete a user; the captures stay', () => import('./commands/user/delete.ts')),
    verb('passwd', 'change a password', () => import('./commands/user/passwd.ts')),
  ]),
  noun('token', 'manage tokens for scripts', 'tokens for scripts', [
    verb('create', 'create a token and print it once', () => import('./commands/token/create.ts')),
    verb('list', 'list your tokens', () => import('./commands/token/list.ts')),
    verb('revoke', 'revoke a token', () => import('./commands/token/revoke.ts')),
  ]),
  command('login', 'log in', 'log in', () => import('./commands/login.ts')),
  command('logout', 'end this session', 'end this session', () => import('./commands/logout.ts')),
  command(
    'whoami',
    'show who is logged in',
    'show who is logged in',
    () => import('./commands/whoami.ts'),
  ),
];

const RUNNING_IT: readonly Verb[] = [
  command(
    'daemon',
    'record captures and keep the schedule',
    'record, keep the schedule',
    () => import('./commands/daemon.ts'),
  ),
  command(
    'doctor',
    'check everything a capture needs, and say how to fix problems',
    'check what a capture needs',
    () => import('./commands/doctor.ts'),
  ),
  command(
    'recover',
    'restore servers by hand, after a crash',
    'restore servers by hand',
    () => import('./commands/recover.ts'),
  ),
  command(
    'completion',
    'print a script for the TAB key of bash, zsh or fish',
    'TAB for bash, zsh, fish',
    () => import('./commands/completion.ts'),
  ),
];

/**
 * Every command that `captures --help` lists, by purpose. Help, completion, manual pages
 * and docs/json.md are made from it. Only the module of the command that is asked for is imported.
 */
export const COMMAND_GROUPS: Readonly<Record<string, readonly Verb[]>> = {
  Captures: CAPTURES,
  'After a capture': AFTER_A_CAPTURE,
  'Servers and users': SERVERS_AND_USERS,
  'Running it': RUNNING_IT,
};

/** What the daemon alone runs: no help and no completion has it. */
export const HIDDEN_VERBS: readonly Verb[] = [
  verb(
    'fetch-metrics',
    'fetch metrics for the daemon',
    () => import('./commands/fetch-metrics.ts'),
  ),
];

/** Every command that users type, in the order of the help. */
export const VERBS: readonly Verb[] = [
  ...Object.values(COMMAND_GROUPS).flat(),
  verb('help', 'show help for a command or a topic', () => import('./commands/help.ts')),
];
