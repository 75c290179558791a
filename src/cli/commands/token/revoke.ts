import type { Command } from 'commander';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { tokenNoun } from '../../render/users.ts';

export interface TokenRevokeOptions {
  readonly token: string;
}

export function registerTokenRevoke(
  command: Command,
  run: (options: TokenRevokeOptions) => Promise<void>,
): void {
  command
    .argument('<token>', 'id or name of one of your tokens')
    .addHelpText(
      'after',
      `
Revokes a token at once: it can no longer be used to log in.

Examples:
  captures token revoke ci
  captures token revoke 4

JSON fields: ${tokenNoun.fields.join(', ')}`,
    )
    .action((token: string) => run({ token }));
}

export async function runTokenRevoke(
  options: TokenRevokeOptions,
  context: Context,
): Promise<number> {
  const token = await context.api.users.revokeToken(await context.actor(), options.token);
  await context.note(`Revoked the token ${token.name ?? token.id}.`);
  await context.printIfAsked(tokenNoun, { token, now: context.now() });
  return 0;
}

export const command = loaded(registerTokenRevoke, runTokenRevoke, tokenNoun);
