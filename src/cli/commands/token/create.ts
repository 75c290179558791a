import type { Command } from 'commander';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { parseLifetime } from '../../input/lifetimes.ts';
import { askName } from '../../input/questions.ts';
import { madeTokenNoun } from '../../render/users.ts';
import { formatTime } from '../../input/times.ts';

export interface TokenCreateOptions {
  readonly name?: string;
  /** Milliseconds. */
  readonly expires?: number;
}

export function registerTokenCreate(
  command: Command,
  run: (options: TokenCreateOptions) => Promise<void>,
): void {
  command
    .option('--name <name>', 'what the token is for')
    .option('--expires <duration>', 'how long it lasts (default: 90d)', (text) =>
      parseLifetime(text, 'token'),
    )
    .addHelpText(
      'after',
      `
Prints the token once, on stdout; the store keeps only its hash. Anyone who has it can act as you until it expires or you revoke it. Scripts pass it in CAPTURES_TOKEN.

Examples:
  captures token create --name ci --expires 30d
  CAPTURES_TOKEN=$(captures token create --name nightly) captures list

JSON fields: ${madeTokenNoun.fields.join(', ')}`,
    )
    .action((options: TokenCreateOptions) => run(options));
}

export async function runTokenCreate(
  options: TokenCreateOptions,
  context: Context,
): Promise<number> {
  const actor = await context.actor();
  const name =
    options.name ?? (await askName(context, 'token', 'captures token create --name NAME'));
  const { token, secret } = await context.api.users.createToken(actor, name, options.expires);
  const until = token.expiresAt - (token.expiresAt % 1_000);
  await context.note(
    `Created the token ${name}, valid until ${formatTime(until, context.timeZone)}. It is shown only this once.`,
  );
  if (!context.isDataAsked) await context.world.stdout.write(`${secret}\n`);
  else await context.printOne(madeTokenNoun, { token, secret, now: context.now() });
  return 0;
}

export const command = loaded(registerTokenCreate, runTokenCreate, madeTokenNoun);
