import type { Reading } from './lexer.ts';
import { TableCursor } from './table-cursor.ts';
import { TableTokens } from './table-tokens.ts';
import { wordSet } from './words.ts';

/** A table that a statement names, and what the statement does to it: reads, writes, or both. */
export interface TableUse {
  /** `table` or `database.table`, as written, without quotes. */
  readonly table: string;
  readonly reads: boolean;
  readonly writes: boolean;
}

/** No more tables of one text are told. */
export const MOST_TABLES = 32;

/**
 * The tables that a text names, each once, in its order; at most `MOST_TABLES`. Names of common table
 * expressions and aliases are none, nor is what a stored program names. Takes a digest text as well.
 * Linear in the text; of a long one the first 50,000 words and symbols are looked at.
 */
export function tablesOf(sql: string, reading: Partial<Reading> = {}): TableUse[] {
  return new TableFinder(new TableCursor(new TableTokens(sql, reading))).find();
}

type Use = 'read' | 'write';

/** A table of an UPDATE or DELETE of several, before it is known which of them it changes. */
interface Joined {
  readonly table: string;
  /** Its alias, or its name, in small letters. */
  readonly called: string;
}

/** What stands deeper in brackets is passed over. */
const DEEPEST = 200;
const ENDS_TABLES = wordSet(
  'WHERE GROUP HAVING ORDER LIMIT WINDOW PROCEDURE SET UNION EXCEPT INTERSECT RETURNING INTO LOCK SELECT VALUES',
);
const ENDS_ASSIGNMENTS = wordSet('WHERE ORDER LIMIT RETURNING');
const QUERY = wordSet('SELECT WITH TABLE VALUES (');
const MODIFIERS = wordSet('LOW_PRIORITY HIGH_PRIORITY DELAYED QUICK IGNORE');
const BEFORE_TABLE = wordSet('UNION EXCEPT INTERSECT ALL DISTINCT AS');
const EXPLAINED = wordSet('EXTENDED PARTITIONS ANALYZE');
const CHANGES_DATA = wordSet('INSERT REPLACE UPDATE DELETE');

class TableFinder {
  readonly #cursor: TableCursor;
  readonly #uses = new Map<string, { reads: boolean; writes: boolean }>();
  /** Names of common table expressions, in small letters. */
  readonly #expressions = new Set<string>();
  #depth = 0;
  #joined: Joined[] | null = null;

  constructor(cursor: TableCursor) {
    this.#cursor = cursor;
  }

  find(): TableUse[] {
    while (this.#cursor.at < this.#cursor.length) {
      this.#expressions.clear();
      this.#joined = null;
      this.#statement();
      while (!this.#cursor.isEnd && this.#cursor.word !== ';') this.#cursor.at++;
      this.#cursor.at++;
    }
    const found: TableUse[] = [];
    for (const [table, { reads, writes }] of this.#uses) {
      if (found.length < MOST_TABLES && (reads || writes)) found.push({ table, reads, writes });
    }
    return found;
  }

  #statement(): void {
    const word = this.#cursor.word;
    if (QUERY.has(word)) {
      this.#walk();
      return;
    }
    this.#cursor.at++;
    switch (word) {
      case 'INSERT':
      case 'REPLACE':
        this.#cursor.passAll(MODIFIERS);
        this.#cursor.pass('INTO');
        this.#use('write');
        if (this.#cursor.pass('TABLE')) this.#use('read');
        this.#walk();
        return;
      case 'UPDATE':
        this.#update();
        return;
      case 'DELETE':
        this.#delete();
        return;
      case 'LOAD':
        if (this.#cursor.find('INTO') && this.#cursor.pass('TABLE')) this.#use('write');
        return;
      case 'CREATE':
      case 'ALTER':
        this.#define(word);
        return;
      case 'DROP':
        this.#cursor.pass('TEMPORARY');
        if (this.#cursor.pass('TABLE', 'TABLES', 'VIEW')) this.#list('write');
        else if (this.#cursor.pass('INDEX') && this.#cursor.find('ON')) this.#use('write');
        return;
      case 'RENAME':
        if (!this.#cursor.pass('TABLE', 'TABLES')) return;
        do this.#use('write');
        while (this.#cursor.find('TO', ','));
        return;
      case 'TRUNCATE':
        this.#cursor.pass('TABLE');
        this.#use('write');
        return;
      case 'LOCK':
        this.#lock();
        return;
      case 'ANALYZE':
      case 'CHECK':
      case 'CHECKSUM':
      case 'OPTIMIZE':
      case 'REPAIR':
        this.#cursor.pass('NO_WRITE_TO_BINLOG', 'LOCAL');
        if (this.#cursor.pass('TABLE', 'TABLES')) {
          this.#list(word === 'OPTIMIZE' || word === 'REPAIR' ? 'write' : 'read');
        } else if (word === 'ANALYZE') this.#explained();
        return;
      case 'DESC':
      case 'DESCRIBE':
      case 'EXPLAIN':
        this.#explained();
        return;
      case 'SHOW':
        this.#show();
        return;
      case 'HANDLER':
        this.#use('read');
        return;
      case 'SET':
        if (!this.#cursor.pass('STATEMENT') || !this.#cursor.find('FOR')) this.#walk();
        // One in the other no server takes.
        else if (this.#cursor.word !== 'SET') this.#statement();
        return;
      case 'CALL':
      case 'DO':
        this.#walk();
        return;
      default:
    }
  }

  #explained(): void {
    this.#cursor.passAll(EXPLAINED);
    if (this.#cursor.word === 'FORMAT' && this.#cursor.ahead(1) === '=') this.#cursor.at += 3;
    if (QUERY.has(this.#cursor.word) || CHANGES_DATA.has(this.#cursor.word)) this.#statement();
    else this.#use('read');
  }

  /** Reads on to the end of this bracket, or of the statement, with all queries in it. */
  #walk(): void {
    let isQuery = false;
    for (; !this.#cursor.isEnd;) {
      const word = this.#cursor.word;
      if (word === ';') return;
      if (word === ')') {
        if (this.#depth > 0) return;
        this.#cursor.at++;
      } else if (word === '(') this.#bracket();
      else if (word === 'FROM' && isQuery) {
        this.#cursor.at++;
        this.#tables();
      } else if (word === 'WITH') this.#with();
      else if (word === 'TABLE' && this.#isTableStatement()) {
        this.#cursor.at++;
        this.#use('read');
      } else if (
        CHANGES_DATA.has(word) &&
        this.#cursor.ahead(-1) === ')' &&
        this.#cursor.ahead(1) !== '('
      ) {
        // Behind common table expressions.
        this.#statement();
      } else {
        isQuery ||= word === 'SELECT';
        this.#cursor.at++;
      }
    }
  }

  #isTableStatement(): boolean {
    const before = this.#cursor.ahead(-1);
    return before === '' || before === '(' || before === ')' || BEFORE_TABLE.has(before);
  }

  #bracket(): void {
    this.#cursor.at++;
    if (this.#depth === DEEPEST) return;
    this.#depth++;
    this.#walk();
    this.#depth--;
    this.#cursor.pass(')');
  }

  /** `WITH a AS (…), b (c, d) AS (…)`; any other WITH is passed over. */
  #with(): void {
    this.#cursor.at++;
    this.#cursor.pass('RECURSIVE');
    do {
      const next = this.#cursor.ahead(1);
      if (this.#cursor.name === undefined || (next !== 'AS' && next !== '(')) return;
      this.#expressions.add(this.#cursor.name.toLowerCase());
      this.#cursor.at++;
      if (this.#cursor.word === '(') this.#bracket();
      if (!this.#cursor.pass('AS')) return;
      if (this.#cursor.word === '(') this.#bracket();
    } while (this.#cursor.pass(','));
  }

  /** The tables of a FROM clause, or of an UPDATE. */
  #tables(): void {
    do {
      this.#table();
    } while (this.#findNextTable());
  }

  #table(): void {
    this.#cursor.pass('LATERAL');
    if (this.#cursor.pass('{')) this.#cursor.at++;
    if (this.#cursor.word === '(') {
      if (QUERY.has(this.#cursor.ahead(1)) && !this.#isJoinInBrackets()) {
        this.#bracket();
        return;
      }
      this.#cursor.at++;
      if (this.#depth === DEEPEST) return;
      this.#depth++;
      this.#tables();
      this.#depth--;
      this.#cursor.pass(')');
      return;
    }
    if (!this.#passFunction()) this.#use('read');
  }

  /** `JSON_TABLE(…)`. */
  #passFunction(): boolean {
    const isFunction = this.#cursor.name !== undefined && this.#cursor.ahead(1) === '(';
    if (!isFunction) return false;
    this.#cursor.at++;
    this.#bracket();
    return true;
  }

  /** `((a JOIN b) JOIN c)`, and not `((SELECT …) UNION …)`. */
  #isJoinInBrackets(): boolean {
    let by = 1;
    while (this.#cursor.ahead(by) === '(') by++;
    return by > 1 && !QUERY.has(this.#cursor.ahead(by));
  }

  /** Moves to the next table of the list; false behind its end. */
  #findNextTable(): boolean {
    for (; !this.#cursor.isEnd;) {
      const word = this.#cursor.word;
      if (word === '(') {
        this.#bracket();
        continue;
      }
      if (word === ')' || word === ';' || ENDS_TABLES.has(word)) return false;
      if (word === 'ON' && this.#cursor.ahead(1) === 'DUPLICATE') return false;
      if (word === 'USING' && this.#cursor.ahead(1) !== '(') return false;
      if (word === 'FOR') {
        const next = this.#cursor.ahead(1);
        if (next === 'UPDATE' || next === 'SHARE') return false;
        // Of an index hint: FOR JOIN, FOR ORDER BY, FOR GROUP BY; or FOR SYSTEM_TIME.
        this.#cursor.at += 2;
        continue;
      }
      this.#cursor.at++;
      if (word === ',' || word === 'JOIN' || word === 'STRAIGHT_JOIN') return true;
    }
    return false;
  }

  /** Moves behind the table that is named here, and its alias; nothing else is one. */
  #use(use: Use): void {
    this.#cursor.pass('.');
    while (
      this.#cursor.word === 'IF' ||
      this.#cursor.word === 'NOT' ||
      this.#cursor.word === 'EXISTS'
    )
      this.#cursor.at++;
    const isBare = this.#cursor.word !== '`';
    const parts = this.#cursor.parts();
    const last = parts.at(-1);
    if (last === undefined) return;
    const isExpression = parts.length === 1 && this.#expressions.has(last.toLowerCase());
    if (isExpression || (isBare && parts.length === 1 && last.toUpperCase() === 'DUAL')) return;
    const table = parts.slice(-2).join('.');
    if (this.#joined === null) this.#add(table, use);
    else {
      const alias = this.#alias() ?? last;
      this.#joined.push({ table, called: alias.toLowerCase() });
      this.#add(table, null);
    }
  }

  #alias(): string | undefined {
    if (this.#cursor.word === 'PARTITION' && this.#cursor.ahead(1) === '(') {
      this.#cursor.at++;
      this.#bracket();
    }
    this.#cursor.pass('AS');
    const isKeyword = ENDS_TABLES.has(this.#cursor.word) || this.#cursor.word === 'SKIP';
    return isKeyword ? undefined : this.#cursor.name;
  }

  #add(table: string, use: Use | null): void {
    let uses = this.#uses.get(table);
    if (uses === undefined) {
      if (this.#uses.size >= MOST_TABLES * 2) return;
      uses = { reads: false, writes: false };
      this.#uses.set(table, uses);
    }
    if (use === 'read') uses.reads = true;
    else if (use === 'write') uses.writes = true;
  }

  /** `a, b, c` behind `DROP TABLE` and its like. */
  #list(use: Use): void {
    do this.#use(use);
    while (this.#cursor.pass(','));
  }

  #update(): void {
    this.#cursor.passAll(MODIFIERS);
    const joined: Joined[] = [];
    this.#joined = joined;
    this.#tables();
    this.#joined = null;
    const targets = new Set<string>();
    if (this.#cursor.pass('SET')) this.#assignments(targets);
    this.#settle(joined, targets.size > 0 ? targets : new Set([joined[0]?.called ?? '']));
    this.#walk();
  }

  /** `a.b = 1, c = 2`: the tables that are named on the left. */
  #assignments(targets: Set<string>): void {
    let isLeft = true;
    while (
      !this.#cursor.isEnd &&
      this.#cursor.word !== ';' &&
      !ENDS_ASSIGNMENTS.has(this.#cursor.word)
    ) {
      if (isLeft) {
        const called = this.#cursor.parts().at(-2);
        if (called !== undefined) targets.add(called.toLowerCase());
        isLeft = false;
      } else if (this.#cursor.word === '(') this.#bracket();
      else isLeft = this.#cursor.pass(',') || (this.#cursor.at++, false);
    }
  }

  #delete(): void {
    this.#cursor.passAll(MODIFIERS);
    const isFrom = this.#cursor.pass('FROM');
    const start = this.#cursor.at;
    const targets = new Set<string>();
    do {
      const last = this.#cursor.parts().at(-1);
      if (last !== undefined) targets.add(last.toLowerCase());
      this.#cursor.pass('*');
    } while (this.#cursor.pass(','));
    const joined: Joined[] = [];
    this.#joined = joined;
    if (this.#cursor.pass(isFrom ? 'USING' : 'FROM')) this.#tables();
    else {
      this.#cursor.at = start;
      this.#use('read');
      targets.clear();
      for (const { called } of joined) targets.add(called);
    }
    this.#joined = null;
    this.#settle(joined, targets);
    this.#walk();
  }

  /** Says of the tables of a join which are written: those of these names. */
  #settle(joined: readonly Joined[], targets: ReadonlySet<string>): void {
    for (const { table, called } of joined) {
      const isTarget = targets.has(called) || targets.has(lastPart(table).toLowerCase());
      this.#add(table, isTarget ? 'write' : 'read');
    }
  }

  #define(verb: string): void {
    for (; !this.#cursor.isEnd && this.#cursor.word !== ';'; this.#cursor.at++) {
      const isTable = this.#cursor.pass('TABLE');
      if (isTable || this.#cursor.pass('VIEW')) {
        this.#use('write');
        if (isTable) this.#definition(verb);
        else if (this.#cursor.find('AS')) this.#walk();
        return;
      }
      const isTrigger = this.#cursor.word === 'TRIGGER';
      if (isTrigger || this.#cursor.pass('INDEX')) {
        if (this.#cursor.find('ON')) this.#use('write');
        if (isTrigger) this.#cursor.at = this.#cursor.length;
        return;
      }
      if (OTHER_OBJECTS.has(this.#cursor.word)) {
        this.#cursor.at = this.#cursor.length;
        return;
      }
    }
  }

  /** What stands behind `CREATE TABLE a` and `ALTER TABLE a`. */
  #definition(verb: string): void {
    for (; !this.#cursor.isEnd && this.#cursor.word !== ';';) {
      const word = this.#cursor.word;
      if (word === 'SELECT' || word === 'WITH') {
        if (this.#cursor.ahead(1) !== 'TABLE' && this.#cursor.ahead(1) !== 'PARSER') {
          this.#walk();
          continue;
        }
      }
      this.#cursor.at++;
      if (word === 'REFERENCES') this.#use('read');
      else if (word === 'LIKE' && verb === 'CREATE') this.#use('read');
      else if (word === 'TABLE' && verb === 'ALTER') this.#use('write');
      else if (word === 'RENAME' && !RENAMED.has(this.#cursor.word)) {
        this.#cursor.pass('TO', 'AS', '=');
        this.#use('write');
      }
    }
  }

  /** `LOCK TABLES a READ, b AS c WRITE`. */
  #lock(): void {
    if (!this.#cursor.pass('TABLES', 'TABLE')) return;
    do {
      const start = this.#cursor.at;
      this.#cursor.parts();
      while (!this.#cursor.isEnd && !LOCKS.has(this.#cursor.word)) this.#cursor.at++;
      const use = this.#cursor.pass('READ') ? 'read' : 'write';
      const end = this.#cursor.at;
      this.#cursor.at = start;
      this.#use(use);
      this.#cursor.at = Math.max(end, this.#cursor.at);
    } while (this.#cursor.find(','));
  }

  #show(): void {
    this.#cursor.passAll(SHOW_MODIFIERS);
    if (this.#cursor.pass('CREATE')) {
      if (this.#cursor.pass('TABLE', 'VIEW')) this.#use('read');
      return;
    }
    if (!this.#cursor.pass('COLUMNS', 'FIELDS', 'INDEX', 'INDEXES', 'KEYS')) return;
    if (!this.#cursor.pass('FROM', 'IN')) return;
    const parts = this.#cursor.parts();
    if (this.#cursor.pass('FROM', 'IN') && this.#cursor.name !== undefined)
      parts.unshift(this.#cursor.name);
    if (parts.length > 0) this.#add(parts.slice(-2).join('.'), 'read');
  }
}

const OTHER_OBJECTS = wordSet(
  'PROCEDURE FUNCTION EVENT USER ROLE DATABASE SCHEMA SERVER TABLESPACE LOGFILE PACKAGE SEQUENCE RESOURCE',
);
const RENAMED = wordSet('COLUMN INDEX KEY');
const LOCKS = wordSet('READ WRITE ; ,');
const SHOW_MODIFIERS = wordSet('FULL EXTENDED');

function lastPart(table: string): string {
  return table.slice(table.lastIndexOf('.') + 1);
}
