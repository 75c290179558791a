import type { Reading } from './lexer.ts';
import { readObject, readOptions } from './definition-nature.ts';
import { NatureCursor, type Findings } from './nature-cursor.ts';
import { NatureDraft } from './nature-draft.ts';
import { readSettings } from './setting-nature.ts';
import { BLOCKS, readProgram } from './program-nature.ts';
import type { StatementNature } from './statement-nature.ts';
import { schemaRefusal, systemTableRefusal } from './system-schemas.ts';
import { MOST_TABLES, tablesOf } from './tables.ts';
import { readEnd, readStart, readXa } from './transaction-nature.ts';
import { wordSet } from './words.ts';

/** What is prepared under a name in capitals or not; null or undefined where it is not known. */
export type Prepared = (name: string) => StatementNature | null | undefined;

/** What a statement is, before what it names is looked at. `other` is none of those that are known. */
type Kind = 'reads' | 'writes' | 'ddl' | 'lock' | 'control' | 'other';

/** First words of what runs the server, its plugins, its logs and its replication. */
const SERVER_VERBS = wordSet(
  'SHUTDOWN RESTART KILL INSTALL UNINSTALL CHANGE STOP RESET PURGE FLUSH BINLOG CLONE BACKUP CACHE SLAVE',
);
const DATA_VERBS = wordSet('INSERT REPLACE UPDATE DELETE');
const QUERY_VERBS = wordSet('SELECT VALUES TABLE');
const MAINTENANCE = wordSet('TABLE TABLES VIEW VIEWS NO_WRITE_TO_BINLOG LOCAL');
/** Statements that run no function of the server's, which could set a variable, where they name none. */
const KEEPS_VARIABLES = wordSet('SET PREPARE DEALLOCATE');
/** Character sets in which letters of ASCII are their own bytes. */
const INTRODUCERS = wordSet('_UTF8 _UTF8MB3 _UTF8MB4 _LATIN1 _ASCII _BINARY');
const EXPLAINED = wordSet('EXTENDED PARTITIONS');

const PROGRAMS = wordSet('PROCEDURE FUNCTION TRIGGER EVENT PACKAGE');
/** A text in a text that is deeper than this is not looked at. */
const DEEPEST = 4;
/** A text with more tokens is only partly looked at for its tables. */
const LONGEST_FOR_TABLES = 200_000;

/** Reads what a text is for a replay, in one of the ways in which it can be read. Linear in the text. */
export class NatureReader {
  readonly #cursor: NatureCursor;
  readonly #reading: Partial<Reading>;
  readonly #prepared: Prepared;
  readonly #natureOf: (sql: string) => StatementNature;
  readonly #level: number;
  #draft = new NatureDraft();
  /** Where in a program it is: `stored` runs later, `block` now. */
  #body: 'none' | 'stored' | 'block' = 'none';
  /** Of the statement that is read, behind SET STATEMENT … FOR, EXPLAIN and the like. */
  #verb = '';
  #start = 0;
  #depth = 0;
  /** Inside of an EXPLAIN, which runs nothing. */
  #isExplained = false;

  /**
   * @param natureOf for a text inside of this one.
   * @param level how many texts this one is in.
   */
  constructor(
    sql: string,
    reading: Partial<Reading>,
    prepared: Prepared,
    natureOf: (sql: string) => StatementNature,
    level: number,
  ) {
    this.#cursor = new NatureCursor(sql, reading);
    this.#reading = reading;
    this.#prepared = prepared;
    this.#natureOf = natureOf;
    this.#level = level;
  }

  read(): NatureDraft {
    const cursor = this.#cursor;
    while (!cursor.isEnd) {
      if (cursor.pass(';')) continue;
      this.#draft.count++;
      this.#statement();
    }
    return this.#draft;
  }

  /** Whether what stands in its literals says what the text does. */
  get hasTellingLiterals(): boolean {
    return this.#cursor.hasTellingLiterals;
  }

  /** One statement, to the `;` behind it or to the end; a program to the end of the text. */
  #statement(): void {
    const cursor = this.#cursor;
    this.#note(cursor.take());
    while (cursor.word === '(') cursor.advance();
    if (cursor.next === ':' && cursor.word !== '@') {
      // A label.
      cursor.advance();
      cursor.advance();
    }
    this.#isExplained = false;
    const kind = this.#read();
    if (!KEEPS_VARIABLES.has(this.#verb)) this.#draft.variables.clear();
    if (kind === null) return;
    this.#passRest();
    this.#settle(kind);
  }

  /** @returns null where a program was read, with all behind it. */
  #read(): Kind | null {
    const cursor = this.#cursor;
    const draft = this.#draft;
    const verb = cursor.word;
    this.#verb = verb;
    this.#start = cursor.start;
    if (SERVER_VERBS.has(verb)) {
      cursor.hasTellingLiterals = true;
      draft.refuse('server');
      return 'other';
    }
    if (DATA_VERBS.has(verb)) return 'writes';
    if (QUERY_VERBS.has(verb)) return 'reads';
    switch (verb) {
      case 'WITH':
        return this.#readExpressions();
      case 'CREATE':
      case 'ALTER':
      case 'DROP':
      case 'RENAME':
        return this.#readDefinition(verb);
      case 'TRUNCATE':
        draft.effect('commits');
        return 'ddl';
      case 'CALL':
      case 'MERGE':
        return 'writes';
      case 'LOAD':
        cursor.advance();
        draft.refuse(cursor.word === 'INDEX' ? 'server' : 'files');
        return 'writes';
      case 'IMPORT':
        draft.refuse('files');
        return 'ddl';
      case 'GRANT':
      case 'REVOKE':
        draft.refuse('accounts');
        return 'ddl';
      case 'BEGIN':
        return this.#readBegin();
      case 'START':
        return readStart(cursor, draft) ? 'control' : 'other';
      case 'COMMIT':
      case 'ROLLBACK':
        readEnd(cursor, draft);
        return 'control';
      case 'SAVEPOINT':
        return 'control';
      case 'RELEASE':
        cursor.advance();
        return cursor.word === 'SAVEPOINT' ? 'control' : 'other';
      case 'XA':
        readXa(cursor, draft);
        return 'control';
      case 'LOCK':
        cursor.advance();
        if (cursor.word !== 'TABLE' && cursor.word !== 'TABLES') draft.refuse('server');
        draft.isReadOnly = false;
        draft.effect('commits');
        return 'lock';
      case 'UNLOCK':
        cursor.advance();
        if (cursor.word !== 'TABLE' && cursor.word !== 'TABLES') draft.refuse('server');
        draft.effect('commits');
        return 'control';
      case 'SET':
        return this.#readSet();
      case 'USE':
        cursor.advance();
        cursor.hasTellingLiterals = true;
        draft.database = cursor.name === '' ? draft.database : cursor.name;
        draft.isSetting = true;
        return 'control';
      case 'PREPARE':
        return this.#readPrepare();
      case 'EXECUTE':
        return this.#readExecute();
      case 'DEALLOCATE':
        cursor.advance();
        cursor.advance();
        this.#giveUp();
        return 'control';
      case 'DO':
      case 'HANDLER':
      case 'SHOW':
      case 'HELP':
      case 'GET':
        return 'reads';
      case 'CHECKSUM':
        return 'reads';
      case 'EXPLAIN':
      case 'DESC':
      case 'DESCRIBE':
        return this.#readExplained();
      case 'ANALYZE':
        cursor.advance();
        if (!MAINTENANCE.has(cursor.word)) return this.#readAnalyzed();
        return this.#maintain();
      case 'CHECK':
      case 'OPTIMIZE':
      case 'REPAIR':
        return this.#maintain();
      default:
        if (BLOCKS.has(verb) || verb === '<') return this.#readProgram('block');
        // In a body: LEAVE, CLOSE, RETURN, END IF …
        return 'other';
    }
  }

  #maintain(): Kind {
    this.#draft.effect('commits');
    this.#draft.writes();
    return 'lock';
  }

  #passRest(): void {
    const cursor = this.#cursor;
    while (!cursor.isStatementEnd) cursor.advance();
  }

  /** What is never sent wherever it stands. */
  #note(found: Findings): void {
    const draft = this.#draft;
    if (found.usesFiles) draft.refuse('files');
    if (found.takesOurLock) draft.refuse('recorder');
    if (found.changesServer) draft.refuse('server');
    if (found.takesNumbers) draft.writes();
    draft.dependsOnTime ||= found.readsClock;
    // The table of a trigger.
    if (this.#body !== 'none') this.#refuseTables(found.systemTables);
  }

  #refuseTables(tables: Iterable<string>): void {
    for (const table of tables) {
      const reason = systemTableRefusal(table, this.#verb);
      if (reason !== null) this.#draft.refuse(reason);
    }
  }

  /** What follows from what a statement names, wherever it does. */
  #settle(kind: Kind): void {
    const draft = this.#draft;
    const end = this.#cursor.start;
    const found = this.#cursor.take();
    const { systemTables } = found;
    this.#note({ ...found, systemTables: new Set() });
    if (kind === 'control') return;
    if (kind === 'other') {
      draft.isReadOnly = false;
      return;
    }
    const isLong = end - this.#start > LONGEST_FOR_TABLES;
    const text = this.#cursor.sql.slice(this.#start, end);
    const tables = tablesOf(text, this.#reading);
    const written = tables.filter(({ writes }) => writes).map(({ table }) => table);
    if (kind === 'reads') {
      if (tables.length > 0 && !this.#isExplained) draft.effect('works');
      return;
    }
    draft.writes();
    for (const table of written) draft.written.add(table);
    if (kind === 'writes') draft.effect('works');
    const isSure =
      kind === 'writes' && this.#verb !== 'CALL' && !isLong && tables.length < MOST_TABLES;
    this.#refuseTables(isSure ? written.map((table) => table.toLowerCase()) : systemTables);
    if (written.length === 0 || written.some((table) => !table.includes('.'))) {
      draft.changesDatabase = true;
    }
    if (draft.changesDatabase) this.#refuseBehindUse();
  }

  /** What changes the default database, where a USE before it in the text says which one that is. */
  #refuseBehindUse(): void {
    const draft = this.#draft;
    const reason = draft.database === null ? null : schemaRefusal(draft.database);
    if (reason !== null) draft.refuse(reason);
  }

  /** Behind common table expressions. */
  #readExpressions(): Kind {
    const cursor = this.#cursor;
    const depth = cursor.depth;
    while (!cursor.isStatementEnd) {
      cursor.advance();
      if (cursor.depth > depth) continue;
      if (DATA_VERBS.has(cursor.word) && cursor.next !== '(') return 'writes';
      if (QUERY_VERBS.has(cursor.word)) return 'reads';
    }
    return 'reads';
  }

  #readDefinition(verb: string): Kind | null {
    const cursor = this.#cursor;
    const draft = this.#draft;
    cursor.hasTellingLiterals = true;
    if (verb === 'DROP' && cursor.next === 'PREPARE') {
      cursor.advance();
      cursor.advance();
      this.#giveUp();
      return 'control';
    }
    const { object, isTemporary } = readObject(cursor, draft);
    if (!(isTemporary && (verb === 'CREATE' || verb === 'DROP'))) {
      draft.effect('commits');
    }
    if (PROGRAMS.has(object) && (verb === 'CREATE' || verb === 'ALTER')) {
      draft.writes();
      draft.changesDatabase = true;
      this.#refuseBehindUse();
      return this.#readProgram('stored');
    }
    readOptions(cursor, draft);
    return 'ddl';
  }

  #readBegin(): Kind | null {
    const cursor = this.#cursor;
    if (cursor.next === 'WORK') cursor.advance();
    if (cursor.next !== '' && cursor.next !== ';') return this.#readProgram('block');
    this.#draft.effect('begins');
    return 'control';
  }

  #readSet(): Kind | null {
    const cursor = this.#cursor;
    const draft = this.#draft;
    cursor.advance();
    cursor.hasTellingLiterals = true;
    const isForStatement = cursor.word === 'STATEMENT' && cursor.next !== '=';
    if (isForStatement) cursor.advance();
    else draft.isSetting = true;
    readSettings(cursor, draft, this.#body !== 'none', isForStatement);
    if (!isForStatement) return this.#body === 'none' ? 'reads' : 'control';
    if (!cursor.pass('FOR')) return 'other';
    return this.#readWithin();
  }

  /** A statement that stands in another. */
  #readWithin(): Kind | null {
    if (++this.#depth > DEEPEST) {
      this.#draft.refuse('unseen');
      return 'other';
    }
    const kind = this.#read();
    this.#depth--;
    return kind;
  }

  #readPrepare(): Kind {
    const cursor = this.#cursor;
    cursor.hasTellingLiterals = true;
    cursor.advance();
    const name = cursor.name.toLowerCase();
    cursor.advance();
    if (!cursor.pass('FROM')) return 'other';
    const text = this.#literal();
    if (text === null) this.#draft.variables.clear();
    const nature = text === null ? null : this.#within(text);
    if (nature !== null) {
      if (nature.refusal !== null) this.#draft.refuse(nature.refusal);
      this.#draft.isReadOnly &&= nature.isReadOnly;
    } else if (this.#body === 'stored') {
      this.#draft.assembles = true;
    }
    this.#draft.prepares.push({ name, nature });
    return 'control';
  }

  #giveUp(): void {
    this.#cursor.hasTellingLiterals = true;
    this.#draft.prepares.push({ name: this.#cursor.name.toLowerCase(), nature: null });
  }

  #readExecute(): Kind {
    const cursor = this.#cursor;
    const draft = this.#draft;
    cursor.hasTellingLiterals = true;
    cursor.advance();
    if (
      cursor.word === 'IMMEDIATE' &&
      cursor.next !== '' &&
      cursor.next !== ';' &&
      cursor.next !== 'USING'
    ) {
      cursor.advance();
      const text = this.#literal();
      this.#execute(text === null ? null : this.#within(text));
      return 'control';
    }
    const name = cursor.name.toLowerCase();
    draft.executes = name;
    const own = draft.prepares.findLast((one) => one.name === name);
    // By the time that a stored program runs, its session has prepared something else.
    const before = this.#body === 'stored' ? null : this.#prepared(name);
    this.#execute(own === undefined ? (before ?? null) : own.nature);
    return 'control';
  }

  #execute(nature: StatementNature | null): void {
    if (nature === null && this.#body === 'stored') {
      this.#draft.assembles = true;
      return;
    }
    this.#draft.execute(nature);
    if (nature?.changesDatabase === true) this.#refuseBehindUse();
  }

  /**
   * Literals side by side, up to the end of the statement or USING, as one text, or what a variable holds by this
   * text; null for anything else.
   */
  #literal(): string | null {
    const cursor = this.#cursor;
    if (cursor.word === '@' && this.#body === 'none') return this.#variable();
    let text: string | null = null;
    if (INTRODUCERS.has(cursor.word)) cursor.advance();
    while (!cursor.isStatementEnd && cursor.word !== 'USING' && cursor.word !== 'END') {
      const { string } = cursor;
      if (string === null) return null;
      text = (text ?? '') + string;
      cursor.advance();
    }
    return text;
  }

  #variable(): string | null {
    const cursor = this.#cursor;
    cursor.advance();
    const text = this.#draft.variables.get(cursor.name.toLowerCase()) ?? null;
    cursor.advance();
    return cursor.isStatementEnd || cursor.word === 'USING' ? text : null;
  }

  #within(text: string): StatementNature | null {
    if (this.#level >= DEEPEST) return null;
    const nature = this.#natureOf(text);
    this.#draft.texts.push(text, ...nature.texts);
    return nature;
  }

  #readExplained(): Kind {
    const cursor = this.#cursor;
    cursor.advance();
    cursor.passAll(EXPLAINED);
    if (cursor.word === 'ANALYZE') {
      cursor.advance();
      return this.#readAnalyzed();
    }
    if (cursor.word === 'FORMAT' && cursor.next === '=') {
      for (let i = 0; i < 3; i++) cursor.advance();
    }
    if (cursor.word === 'ANALYZE') {
      cursor.advance();
      return this.#readAnalyzed();
    }
    this.#isExplained = true;
    return 'reads';
  }

  /** What is run to be explained. */
  #readAnalyzed(): Kind {
    const cursor = this.#cursor;
    if (cursor.word === 'FORMAT' && cursor.next === '=') {
      for (let i = 0; i < 3; i++) cursor.advance();
    }
    while (cursor.word === '(') cursor.advance();
    return this.#readWithin() ?? 'other';
  }

  /** The statements of a program, and everything behind it: any of them can be a program's again. */
  #readProgram(body: 'stored' | 'block'): null {
    if (++this.#depth > DEEPEST) {
      this.#draft.refuse('unseen');
      this.#passRest();
      this.#depth--;
      return null;
    }
    const cursor = this.#cursor;
    const outer = this.#draft;
    const isOuter = this.#body === 'none';
    outer.writes();
    if (isOuter) {
      this.#body = body;
      // What it holds does not happen when it is made.
      if (body === 'stored') this.#draft = new NatureDraft();
    }
    readProgram(cursor, body === 'stored', {
      statement: () => this.#statement(),
      over: () => {
        if (!isOuter) return;
        this.#note(cursor.take());
        outer.count++;
        outer.take(this.#draft);
        this.#draft = outer;
        this.#body = 'block';
      },
      library: () => this.#draft.refuse('server'),
    });
    this.#note(cursor.take());
    if (isOuter) {
      outer.take(this.#draft);
      this.#draft = outer;
    }
    this.#depth--;
    return null;
  }
}
