import { defineCommand } from '../command.ts';
import { collected } from '../../input/arguments.ts';
import type { Context } from '../../runtime/context.ts';
import { parseLifetime } from '../../input/lifetimes.ts';
import { askName } from '../../input/questions.ts';
import { madeTokenNoun } from '../../render/users.ts';
import { formatTime } from '../../input/times.ts';

interface Options {
  readonly name?: string;
  /** Milliseconds. */
  readonly expires?: number;
  readonly readOnly?: boolean;
  readonly env?: readonly string[];
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .option('--name <name>', 'what the token is for')
      .option('--expires <duration>', 'how long it lasts (default: 90d)', (text) =>
        parseLifetime(text, 'token'),
      )
      .option('--read-only', 'it can change nothing')
      .option(
        '--env <environment>',
        'no other environment exists for it (id or name); repeatable',
        collected,
      ),
  help: `Prints the token once, on stdout; the store keeps only its hash. Anyone who has it can act as you until it expires or you revoke it. Scripts pass it in CAPTURES_TOKEN.
With --read-only or --env it can do less than you; then it makes no tokens, changes no password and manages no users.

Examples:
  captures token create --name ci --expires 30d
  captures token create --name dashboard --read-only --env shop
  CAPTURES_TOKEN=$(captures token create --name nightly) captures list`,
  prints: madeTokenNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const name =
    options.name ?? (await askName(context, 'token', 'captures token create --name NAME'));
  const { token, secret } = await context.api.users.createToken(actor, name, options.expires, {
    isReadOnly: options.readOnly === true,
    environments: options.env ?? null,
  });
  const until = token.expiresAt - (token.expiresAt % 1_000);
  await context.note(
    `Created the token ${name}, valid until ${formatTime(until, context.timeZone)}. It is shown only this once.`,
  );
  if (!context.isDataAsked) await context.world.stdout.write(`${secret}\n`);
  else await context.printOne(madeTokenNoun, { token, secret, now: context.now() });
}
