import { nameFilter, type NameFilter, matchesPattern } from '../core/captures/name-patterns.ts';
import { AppError } from '../core/errors.ts';
import {
  DIGEST_DIGITS,
  severalDigests,
  type StatementSearch,
} from '../core/workloads/statement-search.ts';
import type { StatementRecord } from '../core/workloads/statements.ts';
import { Digester, type Digest } from '../sql/digest.ts';
import { ShapeCache } from '../sql/shape-cache.ts';
import { tablesOf } from '../sql/tables.ts';
import { SearchedTexts } from './text-search.ts';

/** Where a statement comes from. */
export type Place = Pick<StatementRecord, 'session' | 'user' | 'host' | 'db'>;

/** What a statement is, but for its text. */
export type Head = Place & Pick<StatementRecord, 'time' | 'kind'>;

/** Chooses statements by a `StatementSearch`: by what stands before their text, and by that. */
export class StatementFilter {
  readonly texts: SearchedTexts;
  /** Bounds of the time as records have it: from the first on, and before the second. */
  readonly since: string;
  readonly until: string;
  /** Whether times, or kinds, or sessions, users, hosts or databases are chosen. */
  readonly choosesTimes: boolean;
  readonly choosesKinds: boolean;
  readonly choosesPlaces: boolean;
  /**
   * Whether it is for statements alone: queries and executes. An EXECUTE in the text protocol is found by its
   * echo behind it, which has what was prepared and its values.
   */
  readonly isForStatements: boolean;

  readonly #search: StatementSearch;
  readonly #kinds: ReadonlySet<string>;
  readonly #sessions: ReadonlySet<number>;
  readonly #isUserIn: NameFilter;
  readonly #isHostIn: NameFilter;
  readonly #isDatabaseIn: NameFilter;
  readonly #tables: readonly string[];
  /** Names of the tables of a statement, in small letters. */
  readonly #tablesByShape = new ShapeCache<readonly string[]>(
    (sql) => tablesOf(sql).map(({ table }) => table.toLowerCase()),
    (tables) => tables.reduce((sum, { length }) => sum + length, 0),
  );
  readonly #digester = new Digester();
  readonly #digests: readonly string[];
  /** What each beginning of a digest's id was found to be the beginning of. */
  readonly #meant = new Map<string, string>();

  constructor(search: StatementSearch) {
    const { users, hosts, databases, sessions, kinds, tables, digests, since, until } = search;
    this.#search = search;
    this.texts = new SearchedTexts(search);
    this.since = since === null ? '' : stampOf(since);
    this.until = until === null ? '\uffff' : stampOf(until);
    this.choosesTimes = since !== null || until !== null;
    this.choosesPlaces = [users, hosts, databases, sessions].some((list) => list.length > 0);
    this.isForStatements = tables.length > 0 || digests.length > 0;
    this.choosesKinds = kinds.length > 0 || this.isForStatements;
    this.#kinds = new Set(kinds);
    this.#sessions = new Set(sessions);
    this.#isUserIn = nameFilter(users, [], 'by case');
    this.#isHostIn = nameFilter(hosts, [], 'ignoring case');
    this.#isDatabaseIn = nameFilter(databases, [], 'ignoring case');
    this.#tables = tables.map((table) => table.toLowerCase());
    this.#digests = digests.map((digest) => digest.toLowerCase());
  }

  /** Whether a text has to be read to say whether it matches. */
  get readsTexts(): boolean {
    return !this.texts.isEmpty || this.isForStatements;
  }

  hasHead(head: Head): boolean {
    return this.isInTime(head.time) && this.hasKind(head.kind) && this.hasPlace(head);
  }

  isInTime(time: string): boolean {
    return time >= this.since && time < this.until;
  }

  hasKind(kind: string): boolean {
    if (this.isForStatements && kind !== 'query' && kind !== 'execute') return false;
    return this.#kinds.size === 0 || this.#kinds.has(kind);
  }

  hasPlace({ session, user, host, db }: Place): boolean {
    if (this.#sessions.size > 0 && !this.#sessions.has(session)) return false;
    return this.#isUserIn(user) && this.#isHostIn(host) && this.#isDatabaseIn(db);
  }

  /** Whether the text matches. @param db the session's default database. */
  hasText(sql: string, db: () => string | null): boolean {
    if (!this.texts.isEmpty && !this.texts.areIn(sql)) return false;
    return this.isStatement(sql, db);
  }

  /** As `hasText`, of a text in which the searched texts were found. */
  isStatement(sql: string, db: () => string | null): boolean {
    if (this.#tables.length > 0 && !this.#hasTable(this.#tablesByShape.of(sql), db)) return false;
    return this.#digests.length === 0 || this.#hasDigest(this.#digester.of(sql));
  }

  /**
   * Whether the statement matches that is a JSON string in a line, behind a quote: of which no string is made.
   * @param textOf the statement between two places of the line, without its escapes.
   * @returns null where its text has to be read.
   */
  hasJson(
    line: Buffer,
    start: number,
    textOf: (start: number, end: number) => string,
    db: () => string | null,
  ): boolean | null {
    if (!this.texts.isEmpty) return null;
    if (this.#tables.length > 0) {
      const tables = this.#tablesByShape.ofJson(line, start, textOf);
      if (tables === null) return null;
      if (!this.#hasTable(tables, db)) return false;
    }
    if (this.#digests.length === 0) return true;
    const digest = this.#digester.ofJson(line, start, textOf);
    return digest === null ? null : this.#hasDigest(digest);
  }

  #hasTable(tables: readonly string[], db: () => string | null): boolean {
    return tables.some((written) => {
      const dot = written.indexOf('.');
      return this.#tables.some((pattern) => {
        if (!pattern.includes('.')) return matchesPattern(pattern, written.slice(dot + 1));
        const full = dot === -1 ? `${db()?.toLowerCase() ?? ''}.${written}` : written;
        return matchesPattern(pattern, full);
      });
    });
  }

  #hasDigest({ id }: Digest): boolean {
    const wanted = this.#digests.find((one) => id.startsWith(one));
    if (wanted === undefined) return false;
    const meant = this.#meant.get(wanted);
    if (meant === undefined) this.#meant.set(wanted, id);
    else if (meant !== id) throw severalDigests(wanted, meant, id);
    return true;
  }

  /**
   * Refuses a digest that no statement had, once all were looked at; where something else is asked for as
   * well, it may be that which found nothing.
   * @throws AppError `not_found`.
   */
  checkDigests(): void {
    const { texts, kinds, tables } = this.#search;
    const asksForMore = [texts, kinds, tables].some((list) => list.length > 0);
    if (this.choosesPlaces || this.choosesTimes || asksForMore) return;
    const unknown = this.#digests.find((one) => !this.#meant.has(one));
    if (unknown === undefined) return;
    const begins = unknown.length < DIGEST_DIGITS ? 'a digest that begins with' : 'the digest';
    throw new AppError('not_found', `No statement has ${begins} "${unknown}"`);
  }
}

/** An instant as records have it, with microseconds. */
function stampOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, -1)}000Z`;
}
