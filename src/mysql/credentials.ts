import { readFile, stat } from 'node:fs/promises';
import { AppError } from '../core/errors.ts';
import { parsePasswordReference } from '../core/environments.ts';
import { readOptionGroup } from './option-file.ts';

/**
 * The password behind a reference: `env:NAME`, `file:PATH` (its first line) or `cnf:PATH#GROUP`.
 * Null for no reference: log in without a password. An option file without a `password` in the
 * group is an error, because a login without one was hardly meant.
 * @throws AppError `invalid` that names the variable or the file, never its content.
 */
export async function resolvePassword(
  reference: string | null,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string | null> {
  if (reference === null) return null;
  const parsed = parsePasswordReference(reference);
  switch (parsed.from) {
    case 'env': {
      const value = environment[parsed.name];
      if (value === undefined) {
        throw new AppError('invalid', `The environment variable ${parsed.name} is not set`, {
          hint: `The password is read from it (env:${parsed.name}) by the process that connects.`,
        });
      }
      return value;
    }
    case 'file': {
      const text = await readSecretFile(parsed.path);
      return text.split(/\r?\n/, 1)[0] ?? '';
    }
    case 'cnf': {
      const options = readOptionGroup(await readSecretFile(parsed.path), parsed.group);
      const password = options.get('password');
      if (password === undefined) {
        throw new AppError(
          'invalid',
          `The option file ${parsed.path} has no password in its group [${parsed.group}]`,
          { hint: 'The form is cnf:PATH#GROUP; without #GROUP the group is client.' },
        );
      }
      return password;
    }
  }
}

/** Reads a file that only its owner may read, as a password's file must be. */
async function readSecretFile(path: string): Promise<string> {
  try {
    const file = await stat(path);
    if (!file.isFile()) {
      throw new AppError('invalid', `The password file ${path} is not a regular file`);
    }
    if ((file.mode & 0o077) !== 0) {
      throw new AppError('invalid', `The password file ${path} can be read by others`, {
        hint: `chmod 600 ${path}`,
      });
    }
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof AppError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
    throw new AppError('invalid', `The password file ${path} ${why}`, { cause: error });
  }
}
