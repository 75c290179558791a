import { defineCommand } from './command.ts';
import { contextOn, type Context } from '../runtime/context.ts';
import { KnownServers, type KnownServer } from '../runtime/known-servers.ts';
import { parseLifetime } from '../input/lifetimes.ts';
import {
  readPassword,
  registerPasswordOptions,
  type PasswordSource,
} from '../input/password-options.ts';
import { noteVariable, typedServer, type ServerOptions } from '../input/server-choice.ts';
import { identityNoun } from '../render/identity.ts';
import { formatTime } from '../input/times.ts';

interface Options extends PasswordSource, ServerOptions {
  readonly name?: string;
  /** Milliseconds. */
  readonly expires?: number;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    registerPasswordOptions(command.argument('[name]', 'user name'))
      .option('--expires <duration>', 'how long the session lasts (default: 30d)', (text) =>
        parseLifetime(text, 'session'),
      )
      .option('--server <url>', 'log in to a server, and use it from then on')
      .option('--server-ca <file>', 'PEM file of an authority to trust for it')
      .option('--server-name <name>', 'another name for it than its host'),
  help: `Without --server you log in to the store or the server that is in use: captures server list.
A server is https://HOST[:PORT] or HOST[:PORT], which is https too; on this machine http://HOST[:PORT]
may be used, and HOST[:PORT] means that.

Examples:
  captures login ada
  captures login ada --password-file ~/.captures-password --expires 8h
  captures login ada --server https://captures.example.com
  captures login ada --server 127.0.0.1:8080 --server-name here`,
  prints: identityNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const server = typedServer(options, context);
  if (server === null) return logIn(options, context, null);
  const there = await contextOn(context, server);
  try {
    await logIn(options, there, server);
  } finally {
    there.close();
  }
}

/** @param chosen the server that is used from then on; null to leave that as it is. */
async function logIn(
  options: Options,
  context: Context,
  chosen: KnownServer | null,
): Promise<void> {
  const { session } = context;
  session.checkFolder();
  const isAsked = options.passwordStdin !== true && options.passwordFile === undefined;
  if (isAsked && context.canPrompt) await context.reachServer();
  const name = options.name ?? (await askName(context));
  const password = await readPassword(context, options, `Password for ${name}`);
  const opened = await context.api.users.login(name, password, options.expires);
  const { secret, expiresAt, user } = opened;
  session.save({ user: user.name, secret, expiresAt });
  if (chosen !== null) new KnownServers(context.paths).use(chosen.name);
  const until = formatTime(expiresAt - (expiresAt % 1_000), context.timeZone);
  await context.note(
    chosen === null
      ? `Logged in ${user.name}${context.onServer} until ${until}.`
      : `Logged in ${user.name}${context.onServer} until ${until}. Commands use it from now on; for the store of this machine: captures server use local`,
  );
  if (chosen !== null) await noteVariable(context, chosen.name);
  if (context.hasToken) {
    await context.warn(
      'CAPTURES_TOKEN is set: it is used instead of this session until you unset it.',
    );
  }
  await context.printIfAsked(identityNoun, {
    user: user.name,
    isStoreAdmin: user.isAdmin,
    kind: 'session',
    expiresAt,
    isReadOnly: false,
    environments: null,
    ...context.whereStoreIs,
  });
}

async function askName(context: Context): Promise<string> {
  const prompter = await context.prompter(
    'The name of the user is missing',
    'Log in with: captures login NAME',
  );
  return prompter.ask('User name', { initial: context.world.userName });
}
