import { NO_ROWS, type CountedRows } from '../core/verification/server-counters.ts';
import type { LoggedStatement, LongText } from '../core/workloads/statements.ts';

/** MariaDB's name of its replication threads; on MySQL they have none. */
const REPLICATION = '<replication_slave>';

const NUMBERS = [
  'commands',
  'parts',
  'doubtfulParts',
  'others',
  'executes',
  'sets',
  'changeUsers',
] as const satisfies readonly (keyof CountedRows)[];

type Sum = { -readonly [K in keyof CountedRows]: CountedRows[K] };

/** What is looked at of a statement. */
type CountedStatement = Pick<LoggedStatement, 'user' | 'kind' | 'sql' | 'flags'> & {
  readonly long?: Pick<LongText, 'furtherStatements'>;
};

/**
 * Counts rows of the log as the server's own counters do, so that `compare` can set one against the
 * other: those that are recorded and those that are left out. Costs 18 ns a statement, 260 ns a text of several (measured).
 */
export class ServerCountTally {
  readonly #serverCounts: Sum;

  /** @param counts to go on from. */
  constructor(counts: CountedRows | null = null) {
    this.#serverCounts = { ...(counts ?? NO_ROWS) };
  }

  add(statements: readonly CountedStatement[]): void {
    const sum = this.#serverCounts;
    for (const { user, kind, sql, flags, long } of statements) {
      if (user === null || user === REPLICATION) {
        // What replication applies was not received: it is in Com_… alone.
        if (sum.statements !== undefined && kind === 'query') sum.statements++;
      } else if (kind === 'execute') {
        sum.executes++;
        if (flags.length > 0 && flags.includes('echo')) continue;
        this.#addStatement();
        if (beginsWithSet(sql)) sum.sets++;
      } else if (kind === 'query') {
        this.#addStatement();
        if (beginsWithSet(sql)) sum.sets++;
        if (long !== undefined) {
          // Read in one way only, and not for what can have `;` in itself.
          sum.doubtfulParts += long.furtherStatements;
          continue;
        }
        const semicolon = sql.indexOf(';');
        if (semicolon !== -1) this.#addParts(sql, semicolon);
      } else if (kind === 'init_db' || kind === 'quit') {
        sum.commands++;
      } else if (kind === 'change_user') {
        sum.commands++;
        sum.changeUsers++;
      } else if (kind === 'other') {
        sum.others++;
      }
    }
  }

  /** Adds what another counter counted. */
  merge(counts: CountedRows): void {
    const sum = this.#serverCounts;
    for (const name of NUMBERS) sum[name] += counts[name];
    if (sum.statements === undefined || counts.statements === undefined) delete sum.statements;
    else sum.statements += counts.statements;
  }

  counts(): CountedRows {
    return { ...this.#serverCounts };
  }

  #addStatement(): void {
    this.#serverCounts.commands++;
    // What an older version began to count stays without.
    if (this.#serverCounts.statements !== undefined) this.#serverCounts.statements++;
  }

  #addParts(sql: string, semicolon: number): void {
    const ends = statementEnds(sql, semicolon, true);
    // With NO_BACKSLASH_ESCAPES, and in the second byte of a character of GBK, a backslash is none.
    if (BEFORE_QUOTE.test(sql)) {
      const others = statementEnds(sql, semicolon, false).length;
      this.#serverCounts.doubtfulParts += Math.max(others - ends.length, 0);
    }
    let doubtful = isCompound(sql, 0);
    for (const end of ends) {
      if (doubtful) this.#serverCounts.doubtfulParts++;
      else this.#serverCounts.parts++;
      doubtful ||= isCompound(sql, end + 1);
      if (beginsWithSet(sql.slice(end + 1, end + 200).trimStart())) this.#serverCounts.sets++;
    }
  }
}

/**
 * Whether the text begins with SET, but for MariaDB's SET STATEMENT, which is counted as what it is for;
 * white space and comments before it are not looked through.
 */
function beginsWithSet(sql: string): boolean {
  // S, E, T in either case: SELECT must not cost a regular expression.
  if ((sql.charCodeAt(0) | 0x20) !== 0x73 || (sql.charCodeAt(2) | 0x20) !== 0x74) return false;
  return /^set\b(?!\s+statement\b)/i.test(sql);
}

const COMPOUND =
  /^\s*(?:create\b[^;]*?\b(?:procedure|function|trigger|event|package)\b|begin\s+not\s+atomic\b|(?:if|case|loop|while|repeat|for|declare)\b)/i;

/** Whether a statement begins at `from` that can have statements, and so `;`, in itself. */
function isCompound(sql: string, from: number): boolean {
  return COMPOUND.test(sql.slice(from, from + 1000));
}

const NOTABLE = /['"`;#]|--[\s\0-\x1f]|\/\*/g;
const END_OF_LINE = /\n/g;
const BEFORE_QUOTE = /\\['"]/;

/**
 * Where the `;` lie behind which the server goes on with a further statement, as far as it would: it
 * stops at one that is empty, and strips what is white space or `;` at the end of the text. Jumps from
 * mark to mark, for it looks at every text with a `;` in it: `Lexer`, which reads each character, takes
 * 0.6 ms for 114 KB of serialized PHP in a literal, this 3 µs (and half of the lexer's for short texts).
 */
function statementEnds(sql: string, semicolon: number, hasEscapes: boolean): number[] {
  const ends: number[] = [];
  const last = lastCode(sql);
  if (semicolon > last) return ends;
  let at = 0;
  let begin = 0;
  while (at <= last) {
    NOTABLE.lastIndex = at;
    const token = NOTABLE.exec(sql);
    if (token === null || token.index > last) break;
    at = token.index + token[0].length;
    const [mark] = token[0];
    if (mark === ';') {
      if (sql.slice(begin, token.index).trim() === '') break;
      ends.push(token.index);
      begin = at;
    } else if (mark === '/') {
      // A conditional comment holds code, but no further statement: the server refused one (tried).
      const end = sql.indexOf('*/', at);
      at = end === -1 ? sql.length : end + 2;
    } else if (mark === '#' || mark === '-') {
      END_OF_LINE.lastIndex = at - 1;
      at = END_OF_LINE.exec(sql) === null ? sql.length : END_OF_LINE.lastIndex;
    } else {
      at = behindQuoted(sql, mark ?? '', at, hasEscapes);
    }
  }
  return ends;
}

function lastCode(sql: string): number {
  let last = sql.length - 1;
  while (last >= 0 && (sql.charCodeAt(last) <= 0x20 || sql.charCodeAt(last) === 0x3b)) last--;
  return last;
}

/** Behind the quote that ends what began before `from`; a doubled one ends and begins again. */
function behindQuoted(sql: string, quote: string, from: number, hasEscapes: boolean): number {
  let at = from;
  for (;;) {
    const end = sql.indexOf(quote, at);
    if (end === -1) return sql.length;
    let escapes = 0;
    if (hasEscapes && quote !== '`') {
      while (end - escapes - 1 >= from && sql.charCodeAt(end - escapes - 1) === 0x5c) escapes++;
    }
    if (escapes % 2 === 0) return end + 1;
    at = end + 1;
  }
}
