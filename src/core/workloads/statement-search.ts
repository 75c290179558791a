import { AppError } from '../errors.ts';
import { STATEMENT_KINDS, type StatementKind } from './statements.ts';

/**
 * Which statements of a workload are meant: those that every member which asks for something lets through.
 * Of a list one entry is enough; an empty list asks for nothing. Patterns are names with the wildcards `*`
 * and `?`, matched as those of `RecordingOptions`: users by case, hosts, databases and tables ignoring it.
 * A name that is not known matches no pattern.
 */
export interface StatementSearch {
  /** Stand in the statement's text. One without capital letters is found in any case. */
  readonly texts: readonly string[];
  /** Whether texts without capital letters are found only as they are. */
  readonly matchesCase: boolean;
  readonly users: readonly string[];
  readonly hosts: readonly string[];
  /** Default databases of the sessions. */
  readonly databases: readonly string[];
  /** The server's connection ids. */
  readonly sessions: readonly number[];
  readonly kinds: readonly StatementKind[];
  /** Ids of digests, or how they begin. As tables: of queries and executes alone. */
  readonly digests: readonly string[];
  /** Tables that the statement names: `table`, in any database, or `database.table`. */
  readonly tables: readonly string[];
  /** From this instant on and before that one, in milliseconds, by the server's clock; null for no bound. */
  readonly since: number | null;
  readonly until: number | null;
}

/** What lets every statement through. */
export const EVERY_STATEMENT: StatementSearch = {
  texts: [],
  matchesCase: false,
  users: [],
  hosts: [],
  databases: [],
  sessions: [],
  kinds: [],
  digests: [],
  tables: [],
  since: null,
  until: null,
};

/** Digits of a digest's id. */
export const DIGEST_DIGITS = 16;
/** A text is looked for in every statement: what it costs is its length times theirs at worst. */
const LONGEST_TEXT = 4_096;
const LONGEST_PATTERN = 256;
const MOST_ENTRIES = 1_000;

/** Whether it asks for nothing. */
export function isEveryStatement(search: StatementSearch): boolean {
  const { texts, users, hosts, databases, sessions, kinds, digests, tables, since, until } = search;
  const lists = [texts, users, hosts, databases, sessions, kinds, digests, tables];
  return since === null && until === null && lists.every((list) => list.length === 0);
}

/** @throws AppError `invalid` for what cannot be searched for. */
export function checkSearch(search: StatementSearch): void {
  const { texts, users, hosts, databases, sessions, kinds, digests, tables, since, until } = search;
  for (const list of [texts, users, hosts, databases, sessions, kinds, digests, tables]) {
    if (list.length > MOST_ENTRIES) {
      throw new AppError('invalid', `A search takes at most ${MOST_ENTRIES} entries of a kind`);
    }
  }
  if (texts.some((text) => text === '' || text.length > LONGEST_TEXT)) {
    throw new AppError('invalid', `A text to search for has 1 to ${LONGEST_TEXT} characters`);
  }
  checkPatterns('A user', users);
  checkPatterns('A host', hosts);
  checkPatterns('A database', databases);
  checkPatterns('A table', tables);
  if (sessions.some((session) => !Number.isSafeInteger(session) || session < 0)) {
    throw new AppError('invalid', 'A session is the number of a connection of the server');
  }
  const kind = kinds.find((one) => !STATEMENT_KINDS.includes(one));
  if (kind !== undefined) {
    throw new AppError('invalid', `There is no kind "${kind}"`, {
      hint: `The kinds are: ${STATEMENT_KINDS.join(', ')}`,
    });
  }
  const digest = digests.find((one) => !isDigest(one));
  if (digest !== undefined) {
    throw new AppError(
      'invalid',
      `A digest is 1 to ${DIGEST_DIGITS} hexadecimal digits, not "${digest}"`,
    );
  }
  if (since !== null && until !== null && since > until) {
    throw new AppError('invalid', 'The beginning of the search is later than its end');
  }
}

function isDigest(text: string): boolean {
  return text.length <= DIGEST_DIGITS && /^[0-9a-f]+$/i.test(text);
}

function checkPatterns(what: string, patterns: readonly string[]): void {
  if (patterns.every((pattern) => pattern !== '' && pattern.length <= LONGEST_PATTERN)) return;
  throw new AppError(
    'invalid',
    `${what} is a name or a pattern of 1 to ${LONGEST_PATTERN} characters`,
    { hint: { code: 'pattern_syntax' } },
  );
}

/** That a digest's beginning is one of two, with beginnings that are not. */
export function severalDigests(beginning: string, one: string, other: string): AppError {
  let alike = beginning.length;
  while (alike < one.length && one[alike] === other[alike]) alike++;
  return new AppError('invalid', `Several digests begin with "${beginning}"`, {
    hint: `Give more of it: ${[one, other].map((id) => id.slice(0, alike + 4)).join(' or ')}`,
  });
}
