import type { LoadedCommand } from './command.ts';

/** One word of the command line: a command, or a noun with commands of its own. */
export type Verb = {
  readonly name: string;
  readonly summary: string;
  readonly hidden?: true;
} & (
  | { readonly load: () => Promise<{ readonly command: LoadedCommand }> }
  | { readonly verbs: readonly Verb[] }
);

/**
 * Every command, with the module that holds it. Only the module of the command that was asked for
 * is imported: `captures --help` opens no store and loads no driver.
 */
export const VERBS: readonly Verb[] = [
  {
    name: 'init',
    summary: 'make the store and its first user, and log them in',
    load: () => import('./commands/init.ts'),
  },
  { name: 'login', summary: 'log in', load: () => import('./commands/login.ts') },
  { name: 'logout', summary: 'end this session', load: () => import('./commands/logout.ts') },
  { name: 'whoami', summary: 'show who is logged in', load: () => import('./commands/whoami.ts') },
  {
    name: 'env',
    summary: 'describe and check environments: the servers to capture',
    verbs: [
      {
        name: 'create',
        summary: 'describe a new environment',
        load: () => import('./commands/env/create.ts'),
      },
      {
        name: 'list',
        summary: 'list your environments',
        load: () => import('./commands/env/list.ts'),
      },
      {
        name: 'get',
        summary: 'show one environment',
        load: () => import('./commands/env/get.ts'),
      },
      {
        name: 'edit',
        summary: 'change what an environment is',
        load: () => import('./commands/env/edit.ts'),
      },
      {
        name: 'delete',
        summary: 'delete an environment',
        load: () => import('./commands/env/delete.ts'),
      },
      {
        name: 'check',
        summary: 'connect and say whether a capture could start',
        load: () => import('./commands/env/check.ts'),
      },
      {
        name: 'warm-up',
        summary: 'have new sessions covered, so that values are recorded later',
        load: () => import('./commands/env/warm-up.ts'),
      },
    ],
  },
  {
    name: 'user',
    summary: 'manage users and passwords',
    verbs: [
      {
        name: 'create',
        summary: 'create a user',
        load: () => import('./commands/user/create.ts'),
      },
      {
        name: 'list',
        summary: 'list the users of the store',
        load: () => import('./commands/user/list.ts'),
      },
      {
        name: 'delete',
        summary: 'delete a user; the captures stay',
        load: () => import('./commands/user/delete.ts'),
      },
      {
        name: 'passwd',
        summary: 'change a password',
        load: () => import('./commands/user/passwd.ts'),
      },
    ],
  },
  {
    name: 'token',
    summary: 'make tokens for scripts',
    verbs: [
      {
        name: 'create',
        summary: 'make a token and print it once',
        load: () => import('./commands/token/create.ts'),
      },
      {
        name: 'list',
        summary: 'list your tokens',
        load: () => import('./commands/token/list.ts'),
      },
      {
        name: 'revoke',
        summary: 'end a token',
        load: () => import('./commands/token/revoke.ts'),
      },
    ],
  },
  {
    name: 'member',
    summary: 'say who may use an environment',
    verbs: [
      {
        name: 'add',
        summary: 'let a user into an environment',
        load: () => import('./commands/member/add.ts'),
      },
      {
        name: 'list',
        summary: 'list the members of an environment',
        load: () => import('./commands/member/list.ts'),
      },
      {
        name: 'set',
        summary: 'change the role of a member',
        load: () => import('./commands/member/set.ts'),
      },
      {
        name: 'remove',
        summary: 'take a member out, or leave',
        load: () => import('./commands/member/remove.ts'),
      },
    ],
  },
  {
    name: 'create',
    summary: 'start or schedule a capture',
    load: () => import('./commands/create.ts'),
  },
  { name: 'list', summary: 'list captures', load: () => import('./commands/list.ts') },
  { name: 'get', summary: 'show one capture', load: () => import('./commands/get.ts') },
  { name: 'stop', summary: 'stop a running capture', load: () => import('./commands/stop.ts') },
  {
    name: 'edit',
    summary: 'rename a capture, or move its start or end',
    load: () => import('./commands/edit.ts'),
  },
  {
    name: 'delete',
    summary: 'delete captures and their workloads',
    load: () => import('./commands/delete.ts'),
  },
  {
    name: 'schedule',
    summary: 'capture again and again: recurring schedules',
    verbs: [
      {
        name: 'create',
        summary: 'make a recurring schedule',
        load: () => import('./commands/schedule/create.ts'),
      },
      {
        name: 'list',
        summary: 'list your schedules',
        load: () => import('./commands/schedule/list.ts'),
      },
      {
        name: 'get',
        summary: 'show one schedule',
        load: () => import('./commands/schedule/get.ts'),
      },
      {
        name: 'next',
        summary: 'show when it starts its next captures',
        load: () => import('./commands/schedule/next.ts'),
      },
      {
        name: 'edit',
        summary: 'change a schedule',
        load: () => import('./commands/schedule/edit.ts'),
      },
      {
        name: 'pause',
        summary: 'make no captures until it is resumed',
        load: () => import('./commands/schedule/pause.ts'),
      },
      {
        name: 'resume',
        summary: 'go on with a paused schedule',
        load: () => import('./commands/schedule/resume.ts'),
      },
      {
        name: 'delete',
        summary: 'delete a schedule; captures that have begun stay',
        load: () => import('./commands/schedule/delete.ts'),
      },
    ],
  },
  {
    name: 'prune',
    summary: 'delete captures that are old',
    load: () => import('./commands/prune.ts'),
  },
  {
    name: 'log',
    summary: 'show who changed what, when, from where and why',
    load: () => import('./commands/log.ts'),
  },
  {
    name: 'metrics',
    summary: 'show what the server did meanwhile, as charts or data',
    load: () => import('./commands/metrics.ts'),
  },
  {
    name: 'workload',
    summary: 'print the statements that a capture recorded',
    load: () => import('./commands/workload.ts'),
  },
  {
    name: 'verify',
    summary: 'say how true the record of a capture is',
    load: () => import('./commands/verify.ts'),
  },
  {
    name: 'daemon',
    summary: 'record captures and keep the schedule',
    load: () => import('./commands/daemon.ts'),
  },
  {
    name: 'recover',
    summary: 'restore servers by hand, after a crash',
    load: () => import('./commands/recover.ts'),
  },
  {
    name: 'doctor',
    summary: 'check everything a capture needs, and say how to fix it',
    load: () => import('./commands/doctor.ts'),
  },
  {
    name: 'completion',
    summary: 'print a script for the TAB key of bash, zsh or fish',
    load: () => import('./commands/completion.ts'),
  },
  {
    name: 'fetch-metrics',
    summary: 'fetch metrics for the daemon',
    hidden: true,
    load: () => import('./commands/fetch-metrics.ts'),
  },
  {
    name: 'help',
    summary: 'show help for a command or a topic',
    load: () => import('./commands/help.ts'),
  },
];
