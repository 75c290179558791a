import { existsSync, rmdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, inject } from 'vitest';
import { readGlobalOptions } from '../../src/cli/input/global-options.ts';
import { VERBS } from '../../src/cli/commands/verbs.ts';
import { Context } from '../../src/cli/runtime/context.ts';
import { KnownServers } from '../../src/cli/runtime/known-servers.ts';
import { findPaths } from '../../src/cli/runtime/paths.ts';
import { SignalDesk } from '../../src/cli/runtime/signals.ts';
import type { World } from '../../src/cli/runtime/world.ts';
import { isAppError } from '../../src/core/errors.ts';
import { ApiServer } from '../../src/http/server/api-server.ts';
import { HANDLERS } from '../../src/http/server/handlers/all-handlers.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the project of tests that are run over HTTP. */
    isOverHttp: boolean | undefined;
  }
}

/** Whether command lines are run by a client of a server: `npm test` runs the tests of test/cli both ways. */
export function isOverHttp(): boolean {
  return inject('isOverHttp') ?? process.env['CAPTURES_TEST_OVER'] === 'http';
}

/** Tests that are about this machine, by file and name, and why. */
const ABOUT_THIS_MACHINE: Readonly<
  Record<string, readonly (readonly [test: string, why: string])[]>
> = {
  'environments.test.ts': [
    [
      'env create > prints the environment as JSON, without any secret',
      'a relative path is refused',
    ],
    ['env create > makes option files and ~ absolute, and leaves a variable alone', 'the same'],
    [
      'env create > with an AWS profile that is not here says so, and which there are',
      'the profiles are those of the server',
    ],
  ],
  'members.test.ts': [
    [
      'env edit > changes what is named, takes away what is empty, and leaves the rest',
      'a path with ~ is refused',
    ],
  ],
  'hints.test.ts': [
    [
      'a hint is a command that can be pasted > names the user where there is one alone',
      'a server tells nobody who its users are',
    ],
  ],
  'log-switch.test.ts': [
    [
      'on a terminal Ctrl-C ends the wait, and nothing is stored',
      'it is pressed before the notice has come over the connection',
    ],
  ],
  'next-steps.test.ts': [
    [
      'captures alone, told step by step what comes next > names login, as whom the system knows',
      'a server tells nobody who its users are',
    ],
    [
      'captures alone, told step by step what comes next > logged in > shows what runs, how long, and how to end it',
      'the first line says which server it is',
    ],
  ],
  'sessions.test.ts': [
    [
      'a session > that has expired, or was ended elsewhere, is nobody: exit 4 for every command',
      'the sentence names the server: see servers.test.ts',
    ],
    ['a store that cannot be used', 'it is the store of this machine'],
    [
      'login > opens a session, and logout ends it in the store as well',
      'its sentence says on which server',
    ],
    [
      'login > without a name asks for it on a terminal, and elsewhere says how to give it',
      'its sentence says on which server',
    ],
    ['a session file', 'a session on a server lies in a file of its own: servers.test.ts'],
  ],
  'warm-ups.test.ts': [
    [
      'captures create --warm-up and --recycle-sessions > ask whose sessions are to be ended, with what an application sees',
      'the question says on which server',
    ],
  ],
  'credential-rules.test.ts': [
    ['a shared store', 'what this user allows their own processes'],
    ['env create and env edit look at the password file at once', "the file is the server's"],
  ],
};

function isAboutThisMachine(): boolean {
  const { testPath = '', currentTestName = '' } = expect.getState();
  const listed = ABOUT_THIS_MACHINE[basename(testPath)] ?? [];
  return listed.some(([test]) => currentTestName.startsWith(test));
}

/** Commands of the server's machine, and those that ask no use case. */
const OF_THE_MACHINE = [
  'init',
  'daemon',
  'recover',
  'doctor',
  'fetch-metrics',
  'completion',
  'help',
  'server',
];

/** Whether a command line can be run by a client: there is a store, and it is for a use case. */
export function canRunOverHttp(argv: readonly string[], { env }: World): boolean {
  const home = env['CAPTURES_HOME'];
  const names: readonly string[] = [...VERBS.map(({ name }) => name), 'fetch-metrics'];
  const verb = argv.find((word) => names.includes(word)) ?? '';
  return (
    home !== undefined &&
    env['CAPTURES_SERVER'] === undefined &&
    !OF_THE_MACHINE.includes(verb) &&
    !isAboutThisMachine() &&
    existsSync(join(home, 'captures.db'))
  );
}

interface Client {
  readonly world: World;
  /** Ends the server. @throws what was a bug in it. */
  close(): Promise<void>;
}

let servers = 0;

/**
 * The machine of a client, for one command line, of a server that has the machine of the test with its store: its
 * clock, its servers and its ways to start a daemon. The session of the store is the client's, and the other
 * way round afterwards.
 */
export async function clientOf(world: World): Promise<Client> {
  // Signals are for the client.
  const machine = Object.create(world, { signals: { value: new SignalDesk() } }) as World;
  const context = new Context(machine, readGlobalOptions({}, {}), []);
  const bugs: unknown[] = [];
  const server = new ApiServer({
    handlers: HANDLERS,
    apiFor: () => context.api,
    onBug: (error) => bugs.push(error),
  });
  const name = `server${++servers}`;
  const url = `http://127.0.0.1:${await server.listen('127.0.0.1', 0)}`;
  const known = new KnownServers(findPaths(world));
  const secret = sessionIn(context);
  const session = secret === null ? null : { user: '', secret, expiresAt: 0 };
  known.save({ name, url, caFile: null, session });
  return {
    world: Object.create(world, {
      env: { value: { ...world.env, CAPTURES_SERVER: name } },
      serverLogs: { value: unexpected },
      startDaemon: { value: unexpected },
    }) as World,
    async close() {
      const left = known.find(name)?.session ?? null;
      if (left === null) {
        if (secret !== null) context.session.remove();
      } else if (left.secret !== secret) context.session.save(left);
      known.remove(name);
      removeEmpty(join(findPaths(world).config, 'servers'));
      await server.close();
      context.close();
      if (bugs.length > 0) throw bugs[0];
    },
  };
}

/** The secret of who is logged in to the store; null also where its file cannot be read. */
function sessionIn(context: Context): string | null {
  try {
    return context.session.read();
  } catch (error) {
    if (isAppError(error)) return null;
    throw error;
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Another command line of the test uses it.
  }
}

function unexpected(): never {
  throw new Error('A client did what only the server may do');
}
