import type { Command } from 'commander';
import { AppError } from '../../core/errors.ts';
import { checkPassword } from '../../core/users/passwords.ts';
import { contradiction } from './choices.ts';
import type { Context } from '../runtime/context.ts';
import { readSecretLine } from '../runtime/private-files.ts';

/** Where a password comes from; both null to ask for it. */
export interface PasswordSource {
  readonly passwordStdin?: boolean;
  readonly passwordFile?: string;
}

/** How often a new password is asked for before the command gives up. */
const TRIES = 3;

export function registerPasswordOptions(command: Command, what = 'the password'): Command {
  return command
    .option('--password-stdin', `read ${what} from the first line of stdin`)
    .option('--password-file <file>', 'read it from the first line of a file of mode 0600');
}

/**
 * Reads an existing password without showing it.
 * @param instead how to give it where there is no terminal, when not by the usual options.
 * @throws AppError `invalid` for two sources, an empty one, or where no prompt can be shown.
 */
export async function readPassword(
  context: Context,
  source: PasswordSource,
  question: string,
  instead?: string,
): Promise<string> {
  const given = await readGiven(context, source);
  return given ?? (await prompterOf(context, instead)).askSecret(question);
}

/**
 * Reads a new password. On a terminal it is asked for twice, and again when it is too short or the
 * two are not the same.
 * @throws AppError `invalid` as `readPassword` does, and for one that is too short.
 */
export async function readNewPassword(
  context: Context,
  source: PasswordSource,
  question: string,
): Promise<string> {
  const given = await readGiven(context, source);
  if (given !== null) {
    checkPassword(given);
    return given;
  }
  const prompter = await prompterOf(context);
  for (let tries = 1; ; tries += 1) {
    try {
      const password = await prompter.askSecret(question);
      checkPassword(password);
      if ((await prompter.askSecret('Repeat the password')) === password) return password;
      throw new AppError('invalid', 'The two passwords are not the same');
    } catch (error) {
      if (!(error instanceof AppError) || tries === TRIES) throw error;
      await context.tell(`${error.message}. Try again.`);
    }
  }
}

/** The password that a source holds; null where it has to be asked for. */
async function readGiven(context: Context, source: PasswordSource): Promise<string | null> {
  const { stdin, signals } = context.world;
  if (source.passwordStdin === true && source.passwordFile !== undefined) {
    throw contradiction('--password-stdin', '--password-file');
  }
  if (source.passwordStdin === true) {
    return notEmpty(await stdin.readFirstLine(signals.interrupted), 'on stdin');
  }
  if (source.passwordFile !== undefined) {
    const path = source.passwordFile;
    return notEmpty(await readSecretLine(path, 'password file', signals.interrupted), `in ${path}`);
  }
  return null;
}

function prompterOf(
  context: Context,
  instead = 'Give it with --password-stdin or --password-file FILE.',
): ReturnType<Context['prompter']> {
  return context.prompter('A password is needed and there is no terminal to ask on', instead);
}

function notEmpty(password: string | null, where: string): string {
  if (password === null || password === '') {
    throw new AppError('invalid', `There is no password ${where}: its first line is empty`);
  }
  return password;
}
