import type { Command } from 'commander';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { tokenNoun } from '../../render/users.ts';

export function registerTokenList(
  command: Command,
  run: (options: Record<string, never>) => Promise<void>,
): void {
  command
    .addHelpText(
      'after',
      `
Lists your own tokens, oldest first, including expired ones; never their secrets.

Examples:
  captures token list
  captures token list --json

JSON fields: ${tokenNoun.fields.join(', ')}`,
    )
    .action(() => run({}));
}

export async function runTokenList(
  _options: Record<string, never>,
  context: Context,
): Promise<number> {
  const now = context.now();
  const tokens = await context.api.users.listTokens(await context.actor());
  await context.print(
    tokenNoun,
    tokens.map((token) => ({ token, now })),
  );
  return 0;
}

export const command = loaded(registerTokenList, runTokenList);
