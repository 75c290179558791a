import type { Command } from 'commander';
import { AppError } from '../../core/errors.ts';
import { loaded } from '../command.ts';
import type { Context } from '../context.ts';
import { parseDuration } from '../durations.ts';
import { readPassword, registerPasswordOptions, type PasswordSource } from '../passwords.ts';
import { identityNoun } from '../render/identity.ts';
import { formatTime } from '../times.ts';

export interface LoginOptions extends PasswordSource {
  readonly name?: string;
  /** Milliseconds. */
  readonly expires?: number;
}

const LONGEST_SESSION_MS = 366 * 86_400_000;

export function registerLogin(
  command: Command,
  run: (options: LoginOptions) => Promise<void>,
): void {
  registerPasswordOptions(command.argument('[name]', 'user name'))
    .option('--expires <duration>', 'how long the session lasts (default: 30d)', parseDuration)
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
  const { store, session } = context;
  session.checkFolder();
  checkLength(options.expires);
  const name = options.name ?? (await askName(context));
  const password = await readPassword(context, options, {
    first: `Password for ${name}`,
    again: null,
  });
  const opened = await context.people.login(name, password, options.expires);
  session.save(opened.secret);
  const { expiresAt, user } = opened;
  await context.note(
    `Logged in ${user.name} until ${formatTime(expiresAt - (expiresAt % 1_000), context.timeZone)}.`,
  );
  if (context.hasToken) {
    await context.warn('CAPTURES_TOKEN is set and wins over this session until it is unset.');
  }
  await context.printIfAsked(identityNoun, {
    user: user.name,
    isStoreAdmin: user.isAdmin,
    kind: 'session',
    expiresAt,
    store: store.directory,
  });
  return 0;
}

async function askName(context: Context): Promise<string> {
  const prompter = await context.prompter(
    'Nobody is named to log in',
    'Give the name: captures login NAME',
  );
  return prompter.ask('User name', { initial: context.world.userName });
}

function checkLength(expires: number | undefined): void {
  if (expires === undefined) return;
  if (expires < 60_000 || expires > LONGEST_SESSION_MS) {
    throw new AppError('invalid', 'A session lasts from 1 minute to 366 days', {
      hint: 'For example: --expires 8h',
    });
  }
}

export const command = loaded(registerLogin, runLogin);
