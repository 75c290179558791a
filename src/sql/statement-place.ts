import type { Token } from './lexer.ts';
import { wordSet } from './words.ts';

/** First words of statements that define something; a letter may be missing. */
export const DEFINES = /^(?:CREA|ALT)/;
/** What stands between that and what is defined. */
const BEFORE_DEFINED = wordSet('OR REPLACE DEFINER TEMPORARY AGGREGATE ONLINE OFFLINE IGNORE');

/** What has a body of statements, and the first words of such a body that stands alone. */
const HAS_BODY = wordSet('PROCEDURE FUNCTION TRIGGER EVENT PACKAGE');
const BEGINS_BODY = wordSet('BEGIN IF CASE LOOP WHILE REPEAT FOR DECLARE');
/** Words of a body behind which a statement begins. */
const BEFORE_STATEMENT = wordSet('BEGIN ATOMIC THEN ELSE DO LOOP REPEAT');
const LABELLED = /^(?:BEGIN|LOOP|REPEAT|WHILE|FOR)$/i;

/** First words of statements that a routine without BEGIN can consist of. */
const VERBS = wordSet(
  'CREATE ALTER GRANT CHANGE START CLONE EXECUTE PREPARE SET SELECT INSERT UPDATE DELETE REPLACE CALL DO RETURN',
);
/** Those of them that stand nowhere else in a body, or do no harm. */
const VERBS_EVERYWHERE = wordSet('CREATE ALTER GRANT CHANGE START CLONE EXECUTE PREPARE');

/**
 * Where in a text a token stands: in which statement, also of the body of a routine, an event or a
 * block, and behind what. A text may be prose, or what the server refuses: it goes by single words.
 */
export class StatementPlace {
  readonly #sql: string;
  readonly #isProse: boolean;
  /** CASE as an expression: its THEN and ELSE begin no statement. */
  #caseDepth = 0;

  /** The statement's first word in capitals; empty before it. */
  first = '';
  /** What it defines, or its second word. */
  second = '';
  /** Among statements of a routine, an event or a block; from its header on, to the end of the text. */
  isBody = false;
  /** Parentheses that are open, in this statement. */
  depth = 0;
  /** The word, name (behind a backquote) or symbol before this token; `'` for a literal. */
  before = '';
  beforeThat = '';

  constructor(sql: string, isProse: boolean) {
    this.#sql = sql;
    this.#isProse = isProse;
  }

  /** Whether this token is a part of a longer name: `t.identity`, `@identity`. */
  get isPart(): boolean {
    return this.before === '.' || this.before === '@';
  }

  /** Whether the statement, or the body around it, defines something. */
  get defines(): boolean {
    return this.isBody || DEFINES.test(this.first);
  }

  /**
   * Takes note of a word, before `pass`.
   * @param mayBegin whether the word can be the first of a statement, where only a verb says so.
   * @returns `begins` when a statement begins with it, `ends` when one begins behind it.
   */
  word(word: string, next: Token | null, mayBegin: boolean): 'begins' | 'ends' | 'within' {
    const behind = next === null ? '' : this.#sql.slice(next.start, next.end);
    const isBetween = BEFORE_STATEMENT.has(word) && this.#caseDepth === 0 && behind !== '(';
    if (this.isBody && isBetween) {
      this.reset();
      return 'ends';
    }
    const isVerb = mayBegin && this.#isVerb(word);
    if (isVerb) this.reset();
    if (word === 'CASE' && this.first !== '') this.#caseDepth++;
    if (word === 'END' && this.#caseDepth > 0) this.#caseDepth--;
    const isFirst = this.first === '';
    if (isFirst) {
      this.first = word;
      if (this.#beginsBody(word, next)) this.isBody = true;
    } else if (this.second === '' && !BEFORE_DEFINED.has(word)) {
      this.second = word;
    }
    if (DEFINES.test(this.first) && this.depth === 0 && HAS_BODY.has(word)) this.isBody = true;
    // SET STATEMENT max_statement_time = 1 FOR UPDATE …
    if (word === 'FOR' && this.first === 'SET' && this.second === 'STATEMENT') {
      this.reset();
      return 'ends';
    }
    return isFirst || isVerb ? 'begins' : 'within';
  }

  /**
   * Takes note of a symbol, before `pass`.
   * @returns whether a statement begins behind it.
   */
  symbol(symbol: string, next: Token | null): boolean {
    if (symbol === '(') this.depth++;
    else if (symbol === ')') this.depth--;
    const isLabel = symbol === ':' && this.#isLabel(next);
    if (isLabel) this.isBody = true;
    if (isLabel || symbol === ';') this.reset();
    return isLabel || symbol === ';';
  }

  /** Goes on behind a token. */
  pass(what: string): void {
    this.beforeThat = this.before;
    this.before = what;
  }

  /** Another statement begins. */
  reset(): void {
    this.first = '';
    this.second = '';
    this.#caseDepth = 0;
    this.depth = 0;
    this.before = '';
    this.beforeThat = '';
  }

  /** Whether a word is the first of a statement of a body that has no BEGIN before it. */
  #isVerb(word: string): boolean {
    if (!this.isBody || this.depth > 0 || this.isPart) return false;
    // CREATE TRIGGER t AFTER INSERT ON …
    if (/^(?:BEFORE|AFTER|OR)$/.test(this.before)) return false;
    const isHeader = this.first === 'DECLARE' || DEFINES.test(this.first);
    return (isHeader ? VERBS : VERBS_EVERYWHERE).has(word);
  }

  /** Whether the text is a block of statements: BEGIN NOT ATOMIC, IF … THEN, as MariaDB takes them. */
  #beginsBody(word: string, next: Token | null): boolean {
    if (!BEGINS_BODY.has(word)) return false;
    if (word !== 'BEGIN' && word !== 'DECLARE') return !this.#isProse;
    return next?.kind === 'word' && !/^work$/i.test(this.#sql.slice(next.start, next.end));
  }

  #isLabel(next: Token | null): boolean {
    if (next === null || this.first !== this.before || this.second !== '') return false;
    return LABELLED.test(this.#sql.slice(next.start, next.end));
  }
}
