import { defineCommand } from '../command.ts';
import type { Context } from '../../runtime/context.ts';
import { tokenNoun } from '../../render/users.ts';

interface Options {
  readonly token: string;
}

export const command = defineCommand<Options>({
  declare: (command) => command.argument('<token>', 'id or name of one of your tokens'),
  help: `Revokes a token at once: nobody can use it any more.

Examples:
  captures token revoke ci
  captures token revoke 4`,
  prints: tokenNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const token = await context.api.users.revokeToken(await context.actor(), options.token);
  await context.note(`Revoked the token ${token.name ?? token.id}.`);
  await context.printIfAsked(tokenNoun, { token, now: context.now() });
}
