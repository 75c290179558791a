import { AppError } from './errors.ts';

const LONGEST_NAME = 64;
// Cc: control, Cf: format (bidi and zero-width among them), Cs: lone surrogates, Co/Cn: unassigned,
// Zl/Zp: line and paragraph separators. None of them can be seen or typed reliably.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u;

/**
 * Checks a name of a capture, environment, user or token: 1 to 64 printable characters, no leading
 * or trailing space, no `/`, not only digits (so that a name can never be taken for an id).
 * @throws AppError `invalid` that says what is wrong.
 */
export function checkName(kind: string, name: string): string {
  const wrong = whatIsWrong(name);
  if (wrong !== null) {
    throw new AppError('invalid', `The ${kind} name ${wrong}`, {
      hint: 'A name has 1 to 64 printable characters, no leading or trailing space, no "/", and is not only digits.',
    });
  }
  return name;
}

function whatIsWrong(name: string): string | null {
  if (name === '') return 'is empty';
  if (Array.from(name).length > LONGEST_NAME) return `is longer than ${LONGEST_NAME} characters`;
  if (UNPRINTABLE.test(name)) return 'has a character that cannot be printed';
  if (name.trim() !== name) return 'begins or ends with a space';
  if (name.includes('/')) return 'contains "/"';
  if (/^\d+$/.test(name)) return 'is only digits, which would read as an id';
  return null;
}

/** The form under which names are compared: two names with the same key are the same name. */
export function nameKey(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}
