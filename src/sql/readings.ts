import { Lexer, runsEvery, type Escapes, type Reading, type RunsComment } from './lexer.ts';

// The ways in which a text can be read: the text alone does not say whether backslashes escape, and which
// comments with code the server runs.

/** Whether every literal ends in this reading, and none is followed by a letter. */
export function isReadable(sql: string, reading: Partial<Reading>): boolean {
  const lexer = new Lexer(sql, reading);
  let endOfString = -1;
  while (lexer.next()) {
    if (!lexer.isClosed) return false;
    const { kind, start, end } = lexer;
    if (start === endOfString && (kind === 'word' || kind === 'string')) return false;
    if (kind === 'symbol') {
      if (sql.startsWith('\\', start) && sql.charAt(end) !== 'N') return false;
      if (sql.startsWith('*/', start)) return false;
    }
    endOfString = kind === 'string' ? end : -1;
  }
  return true;
}

/** The ways in which a text can be read that differ in what is code and what is a literal. */
export function readingsOf(sql: string): Reading[] {
  const escapes: Escapes[] = ['always'];
  if (sql.includes('\\')) escapes.push('never');
  if (/[\u0080-\uffff]\\/.test(sql)) escapes.push('not-after-high');
  const runs = commentReadings(sql);
  return escapes.flatMap((one) =>
    runs.map((other) => ({ escapes: one, runs: other, isAnsi: false })),
  );
}

const EVERY_EXECUTABLE = /\/\*M?!(?:\d{5,6})?/g;
/** A mark may stand in hexadecimal, or be cut in two, and only be seen when the text is put together. */
const PUT_TOGETHER = /concat|\|\||0x[0-9a-f]{28}|x'[0-9a-f]{28}/i;

/** A text with more different versions than this is hostile: then the two extremes are tried. */
const MOST_VERSIONS = 6;

/**
 * Which comments with code a server of some version and family can run: MySQL those up to its version
 * and none of MariaDB's; MariaDB both, but none of MySQL's from 5.7 on
 * (https://mariadb.com/kb/en/comment-syntax/). All that can be recorded run those without a version
 * and those of 5.6.
 */
function commentReadings(sql: string): RunsComment[] {
  const marks = sql.includes('/*')
    ? [...new Set(sql.match(EVERY_EXECUTABLE))].filter((mark) => !isRunByAll(mark))
    : [];
  const isHidden = PUT_TOGETHER.test(sql);
  if (marks.length === 0 && !isHidden) return [runsEvery];
  if (isHidden || marks.length > MOST_VERSIONS) return [runsEvery, isRunByAll];
  const found = new Map<string, RunsComment>();
  for (const limit of [0, ...marks.map(versionOf)]) {
    for (const isMariadb of [true, false]) {
      const run = new Set(marks.filter((mark) => isRunBy(mark, isMariadb, limit)));
      found.set([...run].join(), (mark) => isRunByAll(mark) || run.has(mark));
    }
  }
  return [...found.values()];
}

const FIRST_OF_MYSQL_ALONE = 50_700;
const LAST_OF_MYSQL_ALONE = 99_999;

function isRunByAll(mark: string): boolean {
  return !mark.startsWith('/*M') && versionOf(mark) < FIRST_OF_MYSQL_ALONE;
}

function isRunBy(mark: string, isMariadb: boolean, limit: number): boolean {
  const version = versionOf(mark);
  if (version > limit) return false;
  if (mark.startsWith('/*M')) return isMariadb;
  return !isMariadb || version < FIRST_OF_MYSQL_ALONE || version > LAST_OF_MYSQL_ALONE;
}

function versionOf(mark: string): number {
  return Number(/\d+$/.exec(mark)?.[0] ?? 0);
}
