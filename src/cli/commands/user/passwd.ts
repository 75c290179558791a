import type { Command } from 'commander';
import { AppError } from '../../../core/errors.ts';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import {
  readNewPassword,
  readPassword,
  registerPasswordOptions,
  type PasswordSource,
} from '../../input/password-options.ts';
import { userNoun } from '../../render/users.ts';

export interface UserPasswdOptions extends PasswordSource {
  readonly name?: string;
  readonly currentPasswordFile?: string;
  readonly keepTokens?: boolean;
  readonly revokeTokens?: boolean;
}

export function registerUserPasswd(
  command: Command,
  run: (options: UserPasswdOptions) => Promise<void>,
): void {
  registerPasswordOptions(
    command.argument('[user]', 'name of the user (default: yourself)'),
    'the new password',
  )
    .option('--current-password-file <file>', 'read your current password from a file of mode 0600')
    .option('--keep-tokens', "leave the user's tokens valid")
    .option('--revoke-tokens', "revoke the user's tokens (the default without a terminal)")
    .addHelpText(
      'after',
      `
Changes your own password, which asks for the current one; an administrator of the store sets anybody's. The user's other sessions end and their tokens are revoked, unless you keep them: on a terminal it asks.

Examples:
  captures user passwd
  captures user passwd bob --password-file ~/.bob-password
  captures user passwd --keep-tokens

JSON fields: ${userNoun.fields.join(', ')}`,
    )
    .action((name: string | undefined, options: UserPasswdOptions) =>
      run({ ...options, ...(name === undefined ? {} : { name }) }),
    );
}

export async function runUserPasswd(options: UserPasswdOptions, context: Context): Promise<number> {
  if (options.keepTokens === true && options.revokeTokens === true) {
    throw new AppError('invalid', '--keep-tokens and --revoke-tokens contradict one another');
  }
  const actor = await context.actor();
  const { users } = context.api;
  const asked = await users.checkPasswordChange(actor, options.name ?? null);
  const { user, isOwn } = asked;
  const current = isOwn ? await readCurrent(context, options.currentPasswordFile) : null;
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
    user: options.name ?? null,
    current,
    password,
    keepTokens,
  });
  const sessions = `${isOwn ? 'your other' : 'their'} sessions have ended`;
  const ended = tokens === 0 ? sessions : `${sessions}, ${tokenFate(tokens, keepTokens)}`;
  await context.note(`Changed the password of ${user.name}; ${ended}.`);
  await context.printIfAsked(userNoun, user);
  return 0;
}

/** Whether to keep a user's tokens, which may be in the wrong hands as well as the password. */
async function askToKeep(context: Context, name: string, tokens: number): Promise<boolean> {
  if (tokens === 0 || !context.canPrompt) return false;
  const prompter = await context.world.prompter();
  return prompter.confirm(
    `${name} has ${counted(tokens)}. Keep ${tokens === 1 ? 'it' : 'them'} valid? (no: revoke)`,
  );
}

function tokenFate(tokens: number, isKept: boolean): string {
  return isKept ? `${counted(tokens)} still valid` : `${counted(tokens)} revoked`;
}

function counted(tokens: number): string {
  return tokens === 1 ? '1 token' : `${tokens} tokens`;
}

function readCurrent(context: Context, file: string | undefined): Promise<string> {
  return readPassword(
    context,
    file === undefined ? {} : { passwordFile: file },
    'Current password',
    'Give the current one with --current-password-file FILE.',
  );
}

export const command = loaded(registerUserPasswd, runUserPasswd, userNoun);
