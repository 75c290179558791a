import type { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import type { Context } from './context.ts';
import { readPrivateFile } from './private-files.ts';

/** Where a password comes from; both null to ask for it. */
export interface PasswordSource {
  readonly passwordStdin?: boolean;
  readonly passwordFile?: string;
}

export function registerPasswordOptions(command: Command, what = 'the password'): Command {
  return command
    .option('--password-stdin', `read ${what} from the first line of stdin`)
    .option('--password-file <file>', 'read it from the first line of a file of mode 0600');
}

/**
 * Reads a password without ever showing it.
 * @param question asked on a terminal; `again` is asked too where a new password is chosen;
 *   `instead` says how to give it where there is no terminal, when not by the usual options.
 * @throws AppError `invalid` for two sources, an empty one, or nobody to ask.
 */
export async function readPassword(
  context: Context,
  source: PasswordSource,
  question: { first: string; again: string | null; instead?: string },
): Promise<string> {
  if (source.passwordStdin === true && source.passwordFile !== undefined) {
    throw new AppError('invalid', '--password-stdin and --password-file contradict one another');
  }
  if (source.passwordStdin === true) {
    const { stdin, signals } = context.world;
    return notEmpty(await stdin.readFirstLine(signals.interrupted), 'on stdin');
  }
  if (source.passwordFile !== undefined) {
    const path = source.passwordFile;
    const text = readPrivateFile(path, 'password file', 'invalid');
    if (text === null) throw new AppError('invalid', `There is no password file ${path}`);
    return notEmpty(text.split('\n', 1)[0]?.replace(/\r$/, '') ?? null, `in ${path}`);
  }
  const prompter = await context.prompter(
    'A password is needed and there is no terminal to ask on',
    question.instead ?? 'Give it with --password-stdin or --password-file FILE.',
  );
  const password = await prompter.askSecret(question.first);
  if (question.again !== null && (await prompter.askSecret(question.again)) !== password) {
    throw new AppError('invalid', 'The two passwords are not the same');
  }
  return password;
}

function notEmpty(password: string | null, where: string): string {
  if (password === null || password === '') {
    throw new AppError('invalid', `There is no password ${where}: its first line is empty`);
  }
  return password;
}
