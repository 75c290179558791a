import { defineCommand } from './command.ts';
import type { Context } from '../runtime/context.ts';
import { logoutNoun } from '../render/identity.ts';

export const command = defineCommand<object>({
  help: `The session also ends in the store, so a copy of its file is useless afterwards.

Example:
  captures logout`,
  prints: logoutNoun,
  run,
});

async function run(_options: object, context: Context): Promise<void> {
  const { users } = context.api;
  const { session } = context;
  const secret = session.read();
  if (secret !== null) await users.logout(secret);
  session.remove();
  await context.note(
    secret === null
      ? `You were not logged in${context.onServer}.`
      : `Logged out${context.onServer}.`,
  );
  if (context.hasToken) {
    await context.warn('CAPTURES_TOKEN is set: it still logs you in until you unset it.');
  }
  await context.printIfAsked(logoutNoun, secret !== null);
}
