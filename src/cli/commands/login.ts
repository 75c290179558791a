import { defineCommand } from './command.ts';
import type { Context } from '../runtime/context.ts';
import { parseLifetime } from '../input/lifetimes.ts';
import {
  readPassword,
  registerPasswordOptions,
  type PasswordSource,
} from '../input/password-options.ts';
import { identityNoun } from '../render/identity.ts';
import { formatTime } from '../input/times.ts';

interface Options extends PasswordSource {
  readonly name?: string;
  /** Milliseconds. */
  readonly expires?: number;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    registerPasswordOptions(command.argument('[name]', 'user name')).option(
      '--expires <duration>',
      'how long the session lasts (default: 30d)',
      (text) => parseLifetime(text, 'session'),
    ),
  help: `Examples:
  captures login ada
  captures login ada --password-file ~/.captures-password --expires 8h`,
  prints: identityNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const { session } = context;
  session.checkFolder();
  const name = options.name ?? (await askName(context));
  const password = await readPassword(context, options, `Password for ${name}`);
  const opened = await context.api.users.login(name, password, options.expires);
  const { secret, expiresAt, user } = opened;
  session.save({ user: user.name, secret, expiresAt });
  await context.note(
    `Logged in ${user.name} until ${formatTime(expiresAt - (expiresAt % 1_000), context.timeZone)}.`,
  );
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
    store: context.storeFolder,
  });
}

async function askName(context: Context): Promise<string> {
  const prompter = await context.prompter(
    'The name of the user is missing',
    'Log in with: captures login NAME',
  );
  return prompter.ask('User name', { initial: context.world.userName });
}
