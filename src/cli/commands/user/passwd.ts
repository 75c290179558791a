import type { Command } from 'commander';
import { checkPassword } from '../../../core/passwords.ts';
import { loaded } from '../../command.ts';
import type { Context } from '../../context.ts';
import { readPassword, registerPasswordOptions, type PasswordSource } from '../../passwords.ts';
import { userNoun } from '../../render/people.ts';

export interface UserPasswdOptions extends PasswordSource {
  readonly name?: string;
  readonly currentPasswordFile?: string;
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
    .addHelpText(
      'after',
      `
Changes your own password, which asks for the current one; an administrator of the store sets anybody's. The user's other sessions end, tokens stay.

Examples:
  captures user passwd
  captures user passwd bob --password-file ~/.bob-password

JSON fields: ${userNoun.fields.join(', ')}`,
    )
    .action((name: string | undefined, options: UserPasswdOptions) =>
      run({ ...options, ...(name === undefined ? {} : { name }) }),
    );
}

export async function runUserPasswd(options: UserPasswdOptions, context: Context): Promise<number> {
  const { people, world } = context;
  const actor = context.loggedIn();
  const user = people.checkPasswordChange(actor, options.name ?? null);
  const isOwn = user.id === actor.userId;
  const current = isOwn ? await readCurrent(context, options.currentPasswordFile) : null;
  const password = await readPassword(context, options, {
    first: `New password for ${user.name} (at least 8 characters)`,
    again: 'The same again',
  });
  checkPassword(password);
  world.signals.interrupted.throwIfAborted();
  const changed = await people.setPassword(actor, {
    user: options.name ?? null,
    current,
    password,
  });
  await context.note(
    `Changed the password of ${changed.name}; ${isOwn ? 'your other' : 'their'} sessions have ended.`,
  );
  await context.printIfAsked(userNoun, changed);
  return 0;
}

function readCurrent(context: Context, file: string | undefined): Promise<string> {
  return readPassword(context, file === undefined ? {} : { passwordFile: file }, {
    first: 'Current password',
    again: null,
    instead: 'Give the current one with --current-password-file FILE.',
  });
}

export const command = loaded(registerUserPasswd, runUserPasswd, userNoun);
