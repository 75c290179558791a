import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parsePasswordReference } from '../../core/environments/password-reference.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import type { MappedUser } from '../../core/replays/replay.ts';
import type { Context } from '../runtime/context.ts';
import { absoluteReference, type Place } from './environment-options.ts';

/** Stands for every user that is not named, and for no password. */
const EVERYBODY = '*';
const NONE = '-';
const FORM =
  'A line is: RECORDED_USER TARGET_USER PASSWORD_REFERENCE, for example: app app_test env:APP_PASSWORD';

/** @throws AppError `invalid` for a file that cannot be read, or a line of it, which it names. */
export async function readUserMap(
  file: string,
  { world, place }: Pick<Context, 'world' | 'place'>,
): Promise<readonly MappedUser[]> {
  const text = await readFile(resolve(world.cwd, file), 'utf8').catch((error: unknown) => {
    const { code = messageOf(error) } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? `There is no file ${file}` : `Cannot read ${file}: ${code}`;
    throw new AppError('invalid', why, {
      hint: `--user-map takes a text file. ${FORM}`,
      cause: error,
    });
  });
  return parseUserMap(text, file, place);
}

/**
 * Recorded users and the accounts that they log in with. A line has a recorded user or `*` for everybody else, the
 * account, and where its password is, or `-`; lines that begin with `#` are comments.
 * @throws AppError `invalid`, naming the line.
 */
export function parseUserMap(text: string, file: string, place: Place): readonly MappedUser[] {
  const users: MappedUser[] = [];
  for (const [index, line] of text
    .replace(/^\ufeff/, '')
    .split('\n')
    .entries()) {
    const where = `${file}, line ${index + 1}`;
    // The rest is one: paths have spaces.
    const [, recorded, user, reference] =
      /^\s*(\S+)(?:\s+(\S+)(?:\s+(\S.*?))?)?\s*$/.exec(line) ?? [];
    if (recorded === undefined || recorded.startsWith('#')) continue;
    if (user === undefined || reference === undefined) {
      const missing = user === undefined ? 'no account' : 'no password reference (- for none)';
      throw new AppError('invalid', `${where}: it has ${missing}`, { hint: FORM });
    }
    if (users.some((one) => one.recorded === recorded)) {
      const who = recorded === EVERYBODY ? '* (everybody else)' : recorded;
      throw new AppError('invalid', `${where}: ${who} is there twice`);
    }
    users.push({ recorded, user, passwordFrom: referenceOf(reference, where, place) });
  }
  if (users.length > 0) return users;
  throw new AppError('invalid', `${file} has no users`, { hint: FORM });
}

function referenceOf(text: string, where: string, place: Place): string | null {
  if (text === NONE) return null;
  try {
    parsePasswordReference(text);
    return absoluteReference(text, place);
  } catch (error) {
    // The text is not echoed: it may be the password itself.
    if (!(error instanceof AppError)) throw error;
    throw new AppError('invalid', `${where}: ${error.message}`, { hint: error.hint, cause: error });
  }
}
