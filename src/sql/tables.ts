import { readTableTokens, type TableTokens } from './table-tokens.ts';
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
export function tablesOf(sql: string): TableUse[] {
  return new TableFinder(readTableTokens(sql)).find();
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
  readonly #words: readonly string[];
  readonly #names: readonly (string | undefined)[];
  readonly #uses = new Map<string, { reads: boolean; writes: boolean }>();
  /** Names of common table expressions, in small letters. */
  readonly #expressions = new Set<string>();
  #at = 0;
  #depth = 0;
  #joined: Joined[] | null = null;

  constructor({ words, names }: TableTokens) {
    this.#words = words;
    this.#names = names;
  }

  find(): TableUse[] {
    while (this.#at < this.#words.length) {
      this.#expressions.clear();
      this.#joined = null;
      this.#statement();
      while (!this.#isEnd && this.#word !== ';') this.#at++;
      this.#at++;
    }
    const found: TableUse[] = [];
    for (const [table, { reads, writes }] of this.#uses) {
      if (found.length < MOST_TABLES && (reads || writes)) found.push({ table, reads, writes });
    }
    return found;
  }

  get #isEnd(): boolean {
    return this.#at >= this.#words.length;
  }

  get #word(): string {
    return this.#words[this.#at] ?? '';
  }

  #ahead(by: number): string {
    return this.#words[this.#at + by] ?? '';
  }

  /** Passes over a word where it is the next one. */
  #pass(...words: readonly string[]): boolean {
    const isThere = words.includes(this.#word);
    if (isThere) this.#at++;
    return isThere;
  }

  #passAll(words: ReadonlySet<string>): void {
    while (words.has(this.#word)) this.#at++;
  }

  /** Moves behind the next of these words of this statement, in brackets or not; false for none. */
  #find(...words: readonly string[]): boolean {
    while (!this.#isEnd && this.#word !== ';') {
      this.#at++;
      if (words.includes(this.#ahead(-1))) return true;
    }
    return false;
  }

  #statement(): void {
    const word = this.#word;
    if (QUERY.has(word)) {
      this.#walk();
      return;
    }
    this.#at++;
    switch (word) {
      case 'INSERT':
      case 'REPLACE':
        this.#passAll(MODIFIERS);
        this.#pass('INTO');
        this.#use('write');
        if (this.#pass('TABLE')) this.#use('read');
        this.#walk();
        return;
      case 'UPDATE':
        this.#update();
        return;
      case 'DELETE':
        this.#delete();
        return;
      case 'LOAD':
        if (this.#find('INTO') && this.#pass('TABLE')) this.#use('write');
        return;
      case 'CREATE':
      case 'ALTER':
        this.#define(word);
        return;
      case 'DROP':
        this.#pass('TEMPORARY');
        if (this.#pass('TABLE', 'TABLES', 'VIEW')) this.#list('write');
        else if (this.#pass('INDEX') && this.#find('ON')) this.#use('write');
        return;
      case 'RENAME':
        if (!this.#pass('TABLE', 'TABLES')) return;
        do this.#use('write');
        while (this.#find('TO', ','));
        return;
      case 'TRUNCATE':
        this.#pass('TABLE');
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
        this.#pass('NO_WRITE_TO_BINLOG', 'LOCAL');
        if (this.#pass('TABLE', 'TABLES')) {
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
        if (this.#pass('STATEMENT') && this.#find('FOR')) this.#statement();
        else this.#walk();
        return;
      case 'CALL':
      case 'DO':
        this.#walk();
        return;
      default:
    }
  }

  #explained(): void {
    this.#passAll(EXPLAINED);
    if (this.#word === 'FORMAT' && this.#ahead(1) === '=') this.#at += 3;
    if (QUERY.has(this.#word) || CHANGES_DATA.has(this.#word)) this.#statement();
    else this.#use('read');
  }

  /** Reads on to the end of this bracket, or of the statement, with all queries in it. */
  #walk(): void {
    let isQuery = false;
    for (; !this.#isEnd;) {
      const word = this.#word;
      if (word === ';') return;
      if (word === ')') {
        if (this.#depth > 0) return;
        this.#at++;
      } else if (word === '(') this.#bracket();
      else if (word === 'FROM' && isQuery) {
        this.#at++;
        this.#tables();
      } else if (word === 'WITH') this.#with();
      else if (word === 'TABLE' && this.#isTableStatement()) {
        this.#at++;
        this.#use('read');
      } else if (CHANGES_DATA.has(word) && this.#ahead(-1) === ')' && this.#ahead(1) !== '(') {
        // Behind common table expressions.
        this.#statement();
      } else {
        isQuery ||= word === 'SELECT';
        this.#at++;
      }
    }
  }

  #isTableStatement(): boolean {
    const before = this.#ahead(-1);
    return before === '' || before === '(' || before === ')' || BEFORE_TABLE.has(before);
  }

  #bracket(): void {
    this.#at++;
    if (this.#depth === DEEPEST) return;
    this.#depth++;
    this.#walk();
    this.#depth--;
    this.#pass(')');
  }

  /** `WITH a AS (…), b (c, d) AS (…)`; any other WITH is passed over. */
  #with(): void {
    this.#at++;
    this.#pass('RECURSIVE');
    do {
      const next = this.#ahead(1);
      if (this.#name === undefined || (next !== 'AS' && next !== '(')) return;
      this.#expressions.add(this.#name.toLowerCase());
      this.#at++;
      if (this.#word === '(') this.#bracket();
      if (!this.#pass('AS')) return;
      if (this.#word === '(') this.#bracket();
    } while (this.#pass(','));
  }

  /** The tables of a FROM clause, or of an UPDATE. */
  #tables(): void {
    do {
      this.#table();
    } while (this.#findNextTable());
  }

  #table(): void {
    this.#pass('LATERAL');
    if (this.#pass('{')) this.#at++;
    if (this.#word === '(') {
      if (QUERY.has(this.#ahead(1)) && !this.#isJoinInBrackets()) {
        this.#bracket();
        return;
      }
      this.#at++;
      if (this.#depth === DEEPEST) return;
      this.#depth++;
      this.#tables();
      this.#depth--;
      this.#pass(')');
      return;
    }
    if (!this.#passFunction()) this.#use('read');
  }

  /** `JSON_TABLE(…)`. */
  #passFunction(): boolean {
    const isFunction = this.#name !== undefined && this.#ahead(1) === '(';
    if (!isFunction) return false;
    this.#at++;
    this.#bracket();
    return true;
  }

  /** `((a JOIN b) JOIN c)`, and not `((SELECT …) UNION …)`. */
  #isJoinInBrackets(): boolean {
    let by = 1;
    while (this.#ahead(by) === '(') by++;
    return by > 1 && !QUERY.has(this.#ahead(by));
  }

  /** Moves to the next table of the list; false behind its end. */
  #findNextTable(): boolean {
    for (; !this.#isEnd;) {
      const word = this.#word;
      if (word === '(') {
        this.#bracket();
        continue;
      }
      if (word === ')' || word === ';' || ENDS_TABLES.has(word)) return false;
      if (word === 'ON' && this.#ahead(1) === 'DUPLICATE') return false;
      if (word === 'USING' && this.#ahead(1) !== '(') return false;
      if (word === 'FOR') {
        const next = this.#ahead(1);
        if (next === 'UPDATE' || next === 'SHARE') return false;
        // Of an index hint: FOR JOIN, FOR ORDER BY, FOR GROUP BY; or FOR SYSTEM_TIME.
        this.#at += 2;
        continue;
      }
      this.#at++;
      if (word === ',' || word === 'JOIN' || word === 'STRAIGHT_JOIN') return true;
    }
    return false;
  }

  /** The name here without its dots; undefined where there is none. */
  get #name(): string | undefined {
    return this.#names[this.#at];
  }

  /** Moves behind a name, and returns its parts. */
  #parts(): string[] {
    const parts: string[] = [];
    for (;;) {
      if (this.#name === undefined) return parts;
      parts.push(this.#name);
      this.#at++;
      if (this.#word !== '.') return parts;
      this.#at++;
    }
  }

  /** Moves behind the table that is named here, and its alias; nothing else is one. */
  #use(use: Use): void {
    this.#pass('.');
    while (this.#word === 'IF' || this.#word === 'NOT' || this.#word === 'EXISTS') this.#at++;
    const isBare = this.#word !== '`';
    const parts = this.#parts();
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
    if (this.#word === 'PARTITION' && this.#ahead(1) === '(') {
      this.#at++;
      this.#bracket();
    }
    this.#pass('AS');
    const isKeyword = ENDS_TABLES.has(this.#word) || this.#word === 'SKIP';
    return isKeyword ? undefined : this.#name;
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
    while (this.#pass(','));
  }

  #update(): void {
    this.#passAll(MODIFIERS);
    const joined: Joined[] = [];
    this.#joined = joined;
    this.#tables();
    this.#joined = null;
    const targets = new Set<string>();
    if (this.#pass('SET')) this.#assignments(targets);
    this.#settle(joined, targets.size > 0 ? targets : new Set([joined[0]?.called ?? '']));
    this.#walk();
  }

  /** `a.b = 1, c = 2`: the tables that are named on the left. */
  #assignments(targets: Set<string>): void {
    let isLeft = true;
    while (!this.#isEnd && this.#word !== ';' && !ENDS_ASSIGNMENTS.has(this.#word)) {
      if (isLeft) {
        const called = this.#parts().at(-2);
        if (called !== undefined) targets.add(called.toLowerCase());
        isLeft = false;
      } else if (this.#word === '(') this.#bracket();
      else isLeft = this.#pass(',') || (this.#at++, false);
    }
  }

  #delete(): void {
    this.#passAll(MODIFIERS);
    const isFrom = this.#pass('FROM');
    const start = this.#at;
    const targets = new Set<string>();
    do {
      const last = this.#parts().at(-1);
      if (last !== undefined) targets.add(last.toLowerCase());
      this.#pass('*');
    } while (this.#pass(','));
    const joined: Joined[] = [];
    this.#joined = joined;
    if (this.#pass(isFrom ? 'USING' : 'FROM')) this.#tables();
    else {
      this.#at = start;
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
    for (; !this.#isEnd && this.#word !== ';'; this.#at++) {
      const isTable = this.#pass('TABLE');
      if (isTable || this.#pass('VIEW')) {
        this.#use('write');
        if (isTable) this.#definition(verb);
        else if (this.#find('AS')) this.#walk();
        return;
      }
      const isTrigger = this.#word === 'TRIGGER';
      if (isTrigger || this.#pass('INDEX')) {
        if (this.#find('ON')) this.#use('write');
        if (isTrigger) this.#at = this.#words.length;
        return;
      }
      if (OTHER_OBJECTS.has(this.#word)) {
        this.#at = this.#words.length;
        return;
      }
    }
  }

  /** What stands behind `CREATE TABLE a` and `ALTER TABLE a`. */
  #definition(verb: string): void {
    for (; !this.#isEnd && this.#word !== ';';) {
      const word = this.#word;
      if (word === 'SELECT' || word === 'WITH') {
        if (this.#ahead(1) !== 'TABLE' && this.#ahead(1) !== 'PARSER') {
          this.#walk();
          continue;
        }
      }
      this.#at++;
      if (word === 'REFERENCES') this.#use('read');
      else if (word === 'LIKE' && verb === 'CREATE') this.#use('read');
      else if (word === 'TABLE' && verb === 'ALTER') this.#use('write');
      else if (word === 'RENAME' && !RENAMED.has(this.#word)) {
        this.#pass('TO', 'AS', '=');
        this.#use('write');
      }
    }
  }

  /** `LOCK TABLES a READ, b AS c WRITE`. */
  #lock(): void {
    if (!this.#pass('TABLES', 'TABLE')) return;
    do {
      const start = this.#at;
      this.#parts();
      while (!this.#isEnd && !LOCKS.has(this.#word)) this.#at++;
      const use = this.#pass('READ') ? 'read' : 'write';
      const end = this.#at;
      this.#at = start;
      this.#use(use);
      this.#at = Math.max(end, this.#at);
    } while (this.#find(','));
  }

  #show(): void {
    this.#passAll(SHOW_MODIFIERS);
    if (this.#pass('CREATE')) {
      if (this.#pass('TABLE', 'VIEW')) this.#use('read');
      return;
    }
    if (!this.#pass('COLUMNS', 'FIELDS', 'INDEX', 'INDEXES', 'KEYS')) return;
    if (!this.#pass('FROM', 'IN')) return;
    const parts = this.#parts();
    if (this.#pass('FROM', 'IN') && this.#name !== undefined) parts.unshift(this.#name);
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
