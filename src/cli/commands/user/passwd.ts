import { contradiction } from '../../input/choices.ts';
import { defineCommand } from '../command.ts';
import type { Context } from '../../runtime/context.ts';
import {
  readNewPassword,
  readPassword,
  registerPasswordOptions,
  type PasswordSource,
} from '../../input/password-options.ts';
import { userNoun } from '../../render/users.ts';
import { counted } from '../../../core/units.ts';

interface Options extends PasswordSource {
  readonly user?: string;
  readonly currentPasswordFile?: string;
  readonly keepTokens?: boolean;
  readonly revokeTokens?: boolean;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    registerPasswordOptions(
      command.argument('[user]', 'name of the user (default: yourself)'),
      'the new password',
    )
      .option(
        '--current-password-file <file>',
        'read your current password from a file of mode 0600',
      )
      .option('--keep-tokens', "leave the user's tokens valid")
      .option('--revoke-tokens', "revoke the user's tokens (the default without a terminal)"),
  help: `Changes your own password and asks for the current one; an administrator of the store can set the password of any user. The user's other sessions end. Their tokens are revoked unless you keep them; on a terminal it asks.

Examples:
  captures user passwd
  captures user passwd bob --password-file ~/.bob-password
  captures user passwd --keep-tokens`,
  prints: userNoun,
  run,
});

const HOW_TO_GIVE = 'Give the current one with --current-password-file FILE beside the new one.';

async function run(options: Options, context: Context): Promise<void> {
  if (options.keepTokens === true && options.revokeTokens === true) {
    throw contradiction('--keep-tokens', '--revoke-tokens');
  }
  const actor = await context.actor();
  const { users } = context.api;
  const asked = await users.checkPasswordChange(actor, options.user ?? null);
  const { user, isOwn } = asked;
  const current = isOwn ? await readCurrent(context, options.currentPasswordFile) : null;
  const isAsked = options.passwordStdin !== true && options.passwordFile === undefined;
  // Who is asked for the new one twice learns before that the current one is wrong.
  if (current !== null && isAsked) await users.checkCurrentPassword(actor, current);
  const password = await readNewPassword(
    context,
    options,
    `New password for ${user.name} (at least 8 characters)`,
  );
  context.world.signals.interrupted.throwIfAborted();
  const keepTokens =
    options.keepTokens ??
    (options.revokeTokens !== true && (await askToKeep(context, user.name, asked.tokens)));
  const { tokens } = await users.setPassword(actor, {
    user: options.user ?? null,
    current,
    password,
    keepTokens,
  });
  const sessions = `${isOwn ? 'your other' : 'their'} sessions have ended`;
  const ended =
    tokens === 0
      ? sessions
      : `${sessions}, ${counted(tokens, 'token')} ${keepTokens ? 'still valid' : 'revoked'}`;
  await context.note(`Changed the password of ${user.name}; ${ended}.`);
  await context.printIfAsked(userNoun, user);
}

/** Asks whether to keep a user's tokens: a thief of the old password may have them too. */
async function askToKeep(context: Context, name: string, tokens: number): Promise<boolean> {
  if (tokens === 0 || !context.canPrompt) return false;
  const prompter = await context.openPrompter();
  return prompter.confirm(
    `${name} has ${counted(tokens, 'token')}. Keep ${tokens === 1 ? 'it' : 'them'} valid? (no: revoke)`,
  );
}

function readCurrent(context: Context, file: string | undefined): Promise<string> {
  return readPassword(
    context,
    file === undefined ? {} : { passwordFile: file },
    'Current password',
    HOW_TO_GIVE,
  );
}
