import { defineCommand } from '../command.ts';
import type { Context } from '../../runtime/context.ts';
import { tokenNoun } from '../../render/users.ts';

export const command = defineCommand<object>({
  help: `Lists your own tokens, oldest first, including expired ones; never their secrets.

Examples:
  captures token list
  captures token list --json`,
  prints: tokenNoun,
  run,
});

async function run(_options: object, context: Context): Promise<void> {
  const now = context.now();
  const tokens = await context.api.users.listTokens(await context.actor());
  await context.print(
    tokenNoun,
    tokens.map((token) => ({ token, now })),
  );
}
