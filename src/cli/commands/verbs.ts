import type { LoadedCommand } from './command.ts';

type Load = () => Promise<{ readonly command: LoadedCommand }>;

/** One word of the command line: a command, or a noun with commands of its own. */
export type Verb = {
  readonly name: string;
  /** One line for its help, its manual page and completion. */
  readonly summary: string;
} & ({ readonly load: Load } | { readonly verbs: readonly Verb[] });

function verb(name: string, summary: string, load: Load): Verb {
  return { name, summary, load };
}

function noun(name: string, summary: string, verbs: readonly Verb[]): Verb {
  return { name, summary, verbs };
}

const CAPTURES: readonly Verb[] = [
  verb('create', 'start or schedule a capture', () => import('./create.ts')),
  verb('list', 'list captures', () => import('./list.ts')),
  verb('get', 'show one capture', () => import('./get.ts')),
  verb('stop', 'stop a running capture', () => import('./stop.ts')),
  verb('edit', 'rename a capture, or move its start or end', () => import('./edit.ts')),
  verb('delete', 'delete captures and their workloads', () => import('./delete.ts')),
  noun('schedule', 'run captures again and again: recurring schedules', [
    verb('create', 'create a recurring schedule', () => import('./schedule/create.ts')),
    verb('list', 'list your schedules', () => import('./schedule/list.ts')),
    verb('get', 'show one schedule', () => import('./schedule/get.ts')),
    verb('next', 'show the next runs of a schedule', () => import('./schedule/next.ts')),
    verb('edit', 'change a schedule', () => import('./schedule/edit.ts')),
    verb('pause', 'pause a schedule until it is resumed', () => import('./schedule/pause.ts')),
    verb('resume', 'resume a paused schedule', () => import('./schedule/resume.ts')),
    verb(
      'delete',
      'delete a schedule; captures that have started stay',
      () => import('./schedule/delete.ts'),
    ),
  ]),
  verb('prune', 'delete old captures', () => import('./prune.ts')),
];

const AFTER_A_CAPTURE: readonly Verb[] = [
  verb(
    'report',
    'show what a capture recorded: top statements, tables, users',
    () => import('./report.ts'),
  ),
  verb('workload', 'print the statements that a capture recorded', () => import('./workload.ts')),
  verb(
    'metrics',
    'show what the server did during a capture, as charts or data',
    () => import('./metrics.ts'),
  ),
  verb(
    'replay',
    'send what a capture recorded to another server, and measure it',
    () => import('./replay.ts'),
  ),
  verb('diff', 'show what is different between two captures or reports', () => import('./diff.ts')),
  verb('verify', 'check how complete the record of a capture is', () => import('./verify.ts')),
  verb('export', 'write a capture to a file', () => import('./export.ts')),
  verb('import', 'make a capture of an exported file', () => import('./import.ts')),
];

const SERVERS_AND_USERS: readonly Verb[] = [
  verb('init', 'create the store and its first user, and log in', () => import('./init.ts')),
  noun('env', 'manage environments: the servers to capture', [
    verb('create', 'create an environment', () => import('./env/create.ts')),
    verb('list', 'list your environments', () => import('./env/list.ts')),
    verb('get', 'show one environment', () => import('./env/get.ts')),
    verb('edit', 'change an environment', () => import('./env/edit.ts')),
    verb('delete', 'delete an environment', () => import('./env/delete.ts')),
    verb(
      'check',
      'connect and check whether a capture could start',
      () => import('./env/check.ts'),
    ),
    verb(
      'warm-up',
      'cover new sessions, so that a later capture records their values',
      () => import('./env/warm-up.ts'),
    ),
  ]),
  noun('member', 'manage the members of an environment', [
    verb('add', 'add a user to an environment', () => import('./member/add.ts')),
    verb('list', 'list the members of an environment', () => import('./member/list.ts')),
    verb('set', 'change the role of a member', () => import('./member/set.ts')),
    verb('remove', 'remove a member, or leave', () => import('./member/remove.ts')),
  ]),
  noun('user', 'manage users and passwords', [
    verb('create', 'create a user', () => import('./user/create.ts')),
    verb('list', 'list the users of the store', () => import('./user/list.ts')),
    verb('delete', 'delete a user; the captures stay', () => import('./user/delete.ts')),
    verb('passwd', 'change a password', () => import('./user/passwd.ts')),
  ]),
  noun('token', 'manage tokens for scripts', [
    verb('create', 'create a token and print it once', () => import('./token/create.ts')),
    verb('list', 'list your tokens', () => import('./token/list.ts')),
    verb('revoke', 'revoke a token', () => import('./token/revoke.ts')),
  ]),
  verb('login', 'log in, here or to a server', () => import('./login.ts')),
  verb('logout', 'end this session', () => import('./logout.ts')),
  verb('whoami', 'show who is logged in', () => import('./whoami.ts')),
  noun('server', 'choose the server of captures that commands use', [
    verb('list', 'list the servers you logged in to', () => import('./server/list.ts')),
    verb('use', 'use a server, or the store of this machine', () => import('./server/use.ts')),
    verb(
      'remove',
      'end your session on a server and forget it',
      () => import('./server/remove.ts'),
    ),
  ]),
  verb('log', 'show who changed what, when, from where and why', () => import('./log.ts')),
];

const RUNNING_IT: readonly Verb[] = [
  verb('daemon', 'record captures and keep the schedule', () => import('./daemon.ts')),
  verb(
    'doctor',
    'check everything a capture needs, and say how to fix problems',
    () => import('./doctor.ts'),
  ),
  verb('recover', 'restore servers by hand, after a crash', () => import('./recover.ts')),
  verb(
    'completion',
    'print a script for the TAB key of bash, zsh or fish',
    () => import('./completion.ts'),
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

/** Run by the daemon only: in no help and no completion. */
export const HIDDEN_VERBS: readonly Verb[] = [
  verb('fetch-metrics', 'fetch metrics for the daemon', () => import('./fetch-metrics.ts')),
  verb('serve-api', 'serve the API of a daemon', () => import('./serve-api.ts')),
  verb(
    'serve-request',
    'answer one request of the API that reads much',
    () => import('./serve-request.ts'),
  ),
];

/** Every command that users type, in the order of the help. */
export const VERBS: readonly Verb[] = [
  ...Object.values(COMMAND_GROUPS).flat(),
  verb('help', 'show help for a command or a topic', () => import('./help.ts')),
];
