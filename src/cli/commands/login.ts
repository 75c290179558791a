import type { Command } from 'commander';
import { loaded } from '../command.ts';
import type { Context } from '../runtime/context.ts';
import { parseLifetime } from '../input/lifetimes.ts';
import {
  readPassword,
  registerPasswordOptions,
  type PasswordSource,
} from '../input/password-options.ts';
import { identityNoun } from '../render/identity.ts';
import { formatTime } from '../input/times.ts';

export interface LoginOptions extends PasswordSource {
  readonly name?: string;
  /** Milliseconds. */
  readonly expires?: number;
}

export function registerLogin(
  command: Command,
  run: (options: LoginOptions) => Promise<void>,
): void {
  registerPasswordOptions(command.argument('[name]', 'user name'))
    .option('--expires <duration>', 'how long the session lasts (default: 30d)', (text) =>
      parseLifetime(text, 'session'),
    )
    .addHelpText(
      'after',
      `
Examples:
  captures login ada
  captures login ada --password-file ~/.captures-password --expires 8h

JSON fields: user, storeAdmin, by, expiresAt, store`,
    )
    .action((name: string | undefined, options: LoginOptions) =>
      run({ ...options, ...(name === undefined ? {} : { name }) }),
    );
}

export async function runLogin(options: LoginOptions, context: Context): Promise<number> {
  const { session } = context;
  session.checkFolder();
  const name = options.name ?? (await askName(context));
  const password = await readPassword(context, options, `Password for ${name}`);
  const opened = await context.api.users.login(name, password, options.expires);
  session.save(opened.secret);
  const { expiresAt, user } = opened;
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
    store: context.storeFolder,
  });
  return 0;
}

async function askName(context: Context): Promise<string> {
  const prompter = await context.prompter(
    'The name of the user is missing',
    'Log in with: captures login NAME',
  );
  return prompter.ask('User name', { initial: context.world.userName });
}

export const command = loaded(registerLogin, runLogin, identityNoun);
