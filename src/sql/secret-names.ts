import type { SecretPlace } from './secret-place.ts';
import {
  AUTHENTICATION,
  PASSWORD_FUNCTIONS,
  SECRET_NAME,
  SECRET_PROCEDURE,
  SECRET_TABLES,
  SECRET_VARIABLE,
  TEXT_TYPE,
  WRITES_ROWS,
} from './secret-words.ts';

/**
 * What the name of something says of what follows:
 * - `call`, `procedure`: it is a function or procedure whose arguments are secrets;
 * - `selected`: a variable that a secret is selected into;
 * - any other: the expectation of that name.
 */
export type NameMeaning =
  'nothing' | 'call' | 'procedure' | 'selected' | 'named' | 'account' | 'connection' | 'all';

/**
 * @param name in capitals, without quotes.
 * @param isQuoted whether it stands in backquotes.
 * @param behind the token behind it.
 */
export function meaningOf(
  name: string,
  isQuoted: boolean,
  behind: string,
  place: SecretPlace,
): NameMeaning {
  // validate_password.policy
  if (behind === '.') return 'nothing';
  if (place.before === '@') {
    if (!SECRET_VARIABLE.test(name) && !SECRET_NAME.test(name)) return 'nothing';
    return place.isInto ? 'selected' : 'named';
  }
  if (PASSWORD_FUNCTIONS.has(name) && behind === '(' && !place.isDeclared) return 'call';
  if (SECRET_PROCEDURE.test(name)) return 'procedure';
  if (place.before === '.' && /^`?MYSQL$/.test(place.beforeThat) && SECRET_TABLES.has(name)) {
    return WRITES_ROWS.has(place.first) ? 'all' : 'nothing';
  }
  if (name === 'CONNECTION' && isQuoted && behind === '=' && !place.isOnRows) return 'connection';
  if (SECRET_NAME.test(name)) return meaningOfSecret(name, isQuoted, behind, place);
  if (!AUTHENTICATION.test(name) || place.first === 'SELECT') return 'nothing';
  // Of a list of columns nobody counts which value is which.
  return place.depth > 0 && /^(?:INSERT|REPLACE)$/.test(place.first) ? 'all' : 'named';
}

/** Of a setting, an option or a variable of a body that is named after what it holds. */
function meaningOfSecret(
  name: string,
  isQuoted: boolean,
  behind: string,
  place: SecretPlace,
): NameMeaning {
  // RETAIN CURRENT PASSWORD, DISCARD OLD PASSWORD
  if (place.before === 'CURRENT' || place.before === 'OLD') return 'nothing';
  if (place.isBody && place.isInto) return 'selected';
  if (place.isBody && (place.first === 'DECLARE' || TEXT_TYPE.test(behind))) return 'account';
  if (/^(?:MASTER|SOURCE)_/.test(name)) {
    place.takeForStatement();
    return 'named';
  }
  // A backquoted name in prose is a column's.
  return place.isOnRows || (isQuoted && place.isProse) ? 'nothing' : 'named';
}
