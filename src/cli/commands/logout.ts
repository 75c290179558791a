import type { Command } from 'commander';
import { loaded } from '../command.ts';
import type { Context } from '../runtime/context.ts';
import { logoutNoun } from '../render/identity.ts';

export function registerLogout(
  command: Command,
  run: (options: Record<string, never>) => Promise<void>,
): void {
  command
    .addHelpText(
      'after',
      `
The session also ends in the store, so a copy of its file is useless afterwards.

Example:
  captures logout

JSON fields: loggedOut`,
    )
    .action(() => run({}));
}

export async function runLogout(
  _options: Record<string, never>,
  context: Context,
): Promise<number> {
  const { users } = context.api;
  const { session } = context;
  const secret = session.read();
  if (secret !== null) await users.logout(secret);
  session.remove();
  await context.note(secret === null ? 'You were not logged in.' : 'Logged out.');
  if (context.hasToken) {
    await context.warn('CAPTURES_TOKEN is set: it still logs you in until you unset it.');
  }
  await context.printIfAsked(logoutNoun, secret !== null);
  return 0;
}

export const command = loaded(registerLogout, runLogout, logoutNoun);
