/** Whether a row only says that a login, or a change of database, was refused. */
export function isRefusal(text: string): boolean {
  return text.startsWith("Access denied for user '");
}

/** Who a row is of, as far as its `user_host` column says. */
export interface Account {
  /** The name that logged in. */
  readonly user: string | null;
  /** The host's name, or its address where the server looks up no names. */
  readonly host: string | null;
  /** The name of the account whose privileges count; null for an anonymous one, and during a login. */
  readonly privileged: string | null;
}

/**
 * Reads `privileged[login] @ host [ip]`, as the column `user_host` has it. Hosts and addresses have
 * neither spaces nor brackets, names can have both: where the two names are the same, or the first is
 * missing, there is one reading. Where they differ (a proxy user) the first bracket is taken.
 */
export function parseUserHost(text: string): Account {
  const match = /^(.*)\] @ (\S*) \[([^\][\s]*)\]$/s.exec(text);
  if (match === null) return { user: null, host: null, privileged: null };
  const [, names = '', name = '', address = ''] = match;
  const half = (names.length - 1) / 2;
  const isTwice = names.charAt(half) === '[' && names.slice(0, half) === names.slice(half + 1);
  const bracket = isTwice ? half : names.indexOf('[');
  if (bracket === -1) return { user: null, host: null, privileged: null };
  return {
    user: nullWhenEmpty(names.slice(bracket + 1)),
    host: nullWhenEmpty(name === '' ? address : name),
    privileged: nullWhenEmpty(names.slice(0, bracket)),
  };
}

function nullWhenEmpty(text: string): string | null {
  return text === '' ? null : text;
}

/** How the servers name the ways to connect (vio_type_names, get_vio_type_name). */
const TRANSPORT = / using (?:TCP\/IP|Socket|SSL\/TLS|Named Pipe|Shared Memory|Internal|Plugin)?$/;

/**
 * The database in the text of a Connect or Change user row (`user@host on db using TCP/IP`,
 * `user@host as anonymous on db`): null for none, undefined when the row says nothing of one, as
 * `Access denied for user …` does not. Names can have `@`, ` on ` and ` using ` in them: what comes
 * before the database is known from the row's own account.
 */
export function databaseOfConnect(
  text: string,
  account: Account | null = null,
): string | null | undefined {
  if (isRefusal(text)) return undefined;
  const rest = behindAccount(text, account) ?? /^.*@.* on (.*)$/s.exec(text)?.[1];
  return rest === undefined ? undefined : nullWhenEmpty(rest.replace(TRANSPORT, ''));
}

/** What follows `user@host on ` or `user@host as other on `; undefined where the text begins otherwise. */
function behindAccount(text: string, account: Account | null): string | undefined {
  if (account === null) return undefined;
  const { user, host, privileged } = account;
  const who = `${user ?? ''}@${host ?? ''}`;
  if (text.startsWith(`${who} on `)) return text.slice(who.length + ' on '.length);
  if (!text.startsWith(`${who} as `)) return undefined;
  const rest = text.slice(who.length + ' as '.length);
  const other = privileged ?? 'anonymous';
  if (rest.startsWith(`${other} on `)) return rest.slice(other.length + ' on '.length);
  return /^.*? on (.*)$/s.exec(rest)?.[1];
}
