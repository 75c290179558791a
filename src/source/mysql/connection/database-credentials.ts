import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { parsePasswordReference } from '../../../core/environments/password-reference.ts';
import { AppError } from '../../../core/errors.ts';
import { readPassword } from './option-file.ts';
import { isOnReadOnlyMount } from './read-only-mounts.ts';
import { readSmallFile, UnusableFile, whyNot } from './small-file.ts';

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
      const password = readPassword(await readSecretFile(parsed.path), parsed.group);
      if (password === null) {
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

/**
 * Looks at the file of a reference without reading it.
 * @returns what keeps us from looking at it, in words that follow its name; null where nothing does.
 * @throws AppError `invalid` for a file that would be refused.
 */
export async function checkReference(reference: string): Promise<string | null> {
  const parsed = parsePasswordReference(reference);
  if (parsed.from === 'env') return null;
  const { path } = parsed;
  let file: Stats;
  try {
    file = await stat(path);
  } catch (error) {
    return whyNot(error);
  }
  if (!file.isFile()) throw unusable(path, 'is not a regular file');
  await checkSecret(path, file);
  return null;
}

async function readSecretFile(path: string): Promise<string> {
  try {
    return (await readSmallFile(path, (file) => checkSecret(path, file))).toString('utf8');
  } catch (error) {
    if (error instanceof UnusableFile) throw unusable(path, error.message, error);
    throw error;
  }
}

function unusable(path: string, why: string, cause?: unknown): AppError {
  return new AppError('invalid', `The password file ${path} ${why}`, { cause });
}

const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;

/**
 * A password's file is for its owner's eyes. One that a container gets its secrets by (0444 of root, on a
 * mount that is read-only, as Docker and Kubernetes make them) is taken as well: nobody in there can change it,
 * and the maker of the mount decided who sees it.
 */
async function checkSecret(path: string, file: Stats): Promise<void> {
  if ((file.mode & OTHERS) === 0) return;
  const isMounted = await isOnReadOnlyMount(await realpath(path));
  if (isMounted && file.uid === 0 && (file.mode & OTHERS_WRITE) === 0) return;
  throw new AppError('invalid', `The password file ${path} can be read by others`, {
    hint: isMounted
      ? 'It lies on a read-only mount: there it must be of mode 600, or be owned by root with mode 644, 444 or less. Set that where it is mounted from.'
      : `chmod 600 ${path}`,
  });
}
