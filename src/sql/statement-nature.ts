import type { DigestClass } from '../core/reports/tally.ts';
import { classOf } from './classes.ts';
import { digestText, digestId, type Digest } from './digest.ts';
import type { Reading } from './lexer.ts';
import { multiByteTexts } from './multi-byte-texts.ts';
import { NatureDraft } from './nature-draft.ts';
import { NatureReader, type Prepared } from './nature-reader.ts';
import { isReadable, readingsOf } from './readings.ts';
import { ShapeCache } from './shape-cache.ts';
import { schemaRefusal } from './system-schemas.ts';

/**
 * What a statement does to its session's transaction:
 * - `begins`: one, and commits that which was open;
 * - `ends`, `ends_and_begins`, `ends_alone`: COMMIT and ROLLBACK as `completion_type` says, with AND CHAIN, and with AND
 *   NO CHAIN; XA COMMIT and XA ROLLBACK, which never begin another one;
 * - `chains_on`, `chains_off`: `completion_type` says from here on whether `ends` begins another one;
 * - `commits`: what is open, by the way: DDL, LOCK TABLES …;
 * - `autocommit_on` commits what is open; behind `autocommit_off` whatever touches data begins one;
 * - `works`: touches data;
 * - `nothing`.
 */
export type TransactionEffect =
  | 'begins'
  | 'ends'
  | 'ends_and_begins'
  | 'ends_alone'
  | 'chains_on'
  | 'chains_off'
  | 'commits'
  | 'autocommit_on'
  | 'autocommit_off'
  | 'works'
  | 'nothing';

/**
 * Why a statement is never sent: it is about our recorder, accounts, the server as a whole, or files; or it runs SQL
 * that does not stand in it, which may be any of these.
 */
export type StatementRefusal = 'recorder' | 'accounts' | 'server' | 'files' | 'unseen';

/** What a text is for a replay. */
export interface StatementNature {
  /** As `classOf`; of an EXECUTE that of what is prepared. */
  readonly class: DigestClass | null;
  readonly refusal: StatementRefusal | null;
  /**
   * Whether a read-only replay may send it: every statement in it reads, or controls a transaction, or sets up
   * the session, and nothing in it can undo that the session is read-only. Functions of the target's own are not
   * seen: the server refuses what they write.
   */
  readonly isReadOnly: boolean;
  /** Whether a result or an effect may depend on the clock that `SET timestamp` sets. */
  readonly dependsOnTime: boolean;
  /** It sets the session's `timestamp` itself, or back to the clock. */
  readonly timestamp: 'set' | 'default' | null;
  /** SET of the session, USE: what a session that begins later needs. */
  readonly isSetting: boolean;
  /** More than one statement. A program is one. */
  readonly isSeveral: boolean;
  /** Of its statements in order, those that do nothing left out. */
  readonly transaction: readonly TransactionEffect[];
  /**
   * Names that it gives to prepared statements, in small letters, in order; `nature` is null where the text is not
   * known, and of a name that is given up.
   */
  readonly prepares: readonly { readonly name: string; readonly nature: StatementNature | null }[];
  /** The name that EXECUTE runs, in small letters; null for none, also of EXECUTE IMMEDIATE. */
  readonly executes: string | null;
  /** `table` or `database.table` as written, `MOST_TABLES` for each statement. */
  readonly writtenTables: readonly string[];
  /** Of the last USE in it: where the session is behind it. */
  readonly database: string | null;
  /** Whether it may change something of the default database: see `refusalWithin`. */
  readonly changesDatabase: boolean;
  /** It makes a program that puts its SQL together while it runs: nobody sees what that is. */
  readonly assembles: boolean;
  /** What it prepares or executes, where that stands in its literals: each is a text of its own. */
  readonly texts: readonly string[];
}

const NONE_PREPARED: Prepared = () => null;
/** A text with more comments for different versions than this is hostile. */
const MOST_VERSIONS = 6;
const VERSIONS = /\/\*M?!(?:\d{5,6})?/g;

/**
 * What a text is for a replay. Where it can be read in several ways (backslashes, double quotes, comments for
 * some versions, characters of two bytes), `refusal` and `isReadOnly` are the most cautious, and the rest is that of the most usual. An
 * EXECUTE of what is not known is refused. Any text has a nature; linear in the text.
 * @param prepared what stands under a name (in small letters) in the session.
 */
export function natureOf(sql: string, prepared: Prepared = NONE_PREPARED): StatementNature {
  return read(sql, prepared, 0);
}

/**
 * Why a statement is not sent where the session's default database is one of the server's own, or our recorder's:
 * `USE mysql` makes `DELETE FROM user` a statement about accounts.
 */
export function refusalWithin(
  nature: StatementNature,
  database: string | null,
): StatementRefusal | null {
  if (nature.refusal !== null || database === null || !nature.changesDatabase)
    return nature.refusal;
  return schemaRefusal(database);
}

function read(sql: string, prepared: Prepared, level: number): StatementNature {
  const reading = usualReading(sql);
  const usual = natureFrom(sql, readerOf(sql, reading, prepared, level).read());
  return cautious(usual, sql, prepared, level, reading);
}

/** What the other ways to read the text say, also in other character sets, where they are more cautious than the usual one. */
function cautious(
  usual: StatementNature,
  sql: string,
  prepared: Prepared,
  level: number,
  reading: Partial<Reading>,
): StatementNature {
  const others = otherWaysToRead(sql, reading).map((one) => ({ text: sql, reading: one }));
  for (const text of multiByteTexts(sql)) {
    others.push({ text, reading: USUAL });
    for (const one of otherWaysToRead(text, USUAL)) others.push({ text, reading: one });
  }
  if (others.length === 0) return usual;
  const merged = new NatureDraft();
  for (const { text, reading } of others) {
    const other = readerOf(text, reading, prepared, level).read();
    if (other.refusal !== null) merged.refuse(other.refusal);
    merged.isReadOnly &&= other.isReadOnly;
    merged.changesDatabase ||= other.changesDatabase;
    merged.assembles ||= other.assembles;
    merged.texts.push(...other.texts);
  }
  if (new Set(sql.match(VERSIONS)).size > MOST_VERSIONS) merged.refuse('unseen');
  return {
    ...usual,
    refusal: usual.refusal ?? merged.refusal,
    isReadOnly: usual.isReadOnly && merged.isReadOnly,
    changesDatabase: usual.changesDatabase || merged.changesDatabase,
    assembles: usual.assembles || merged.assembles,
    texts: [...new Set([...usual.texts, ...merged.texts])],
  };
}

function readerOf(
  sql: string,
  reading: Partial<Reading>,
  prepared: Prepared,
  level: number,
): NatureReader {
  const within = (text: string): StatementNature => read(text, NONE_PREPARED, level + 1);
  return new NatureReader(sql, reading, prepared, within, level);
}

const USUAL: Partial<Reading> = {};
const WITHOUT_ESCAPES: Partial<Reading> = { escapes: 'never' };
const ESCAPED_QUOTE = /\\['"]/;

/**
 * Backslashes escape, double quotes hold text, and every comment with code is run. Where the literals of a text end in
 * a session with NO_BACKSLASH_ESCAPES alone (`'C:\'`), it is of such a one.
 */
function usualReading(sql: string): Partial<Reading> {
  if (!ESCAPED_QUOTE.test(sql) || isReadable(sql, USUAL)) return USUAL;
  return isReadable(sql, WITHOUT_ESCAPES) ? WITHOUT_ESCAPES : USUAL;
}

/** All but the usual one. */
function otherWaysToRead(sql: string, usual: Partial<Reading>): Partial<Reading>[] {
  const isPlain = !sql.includes('\\') && !sql.includes('"') && !sql.includes('/*');
  if (isPlain) return [];
  const readings = readingsOf(sql);
  const all = sql.includes('"')
    ? readings.flatMap((one) => [one, { ...one, isAnsi: true }])
    : readings;
  // The first of one kind of comments is the usual one.
  return sql.includes('/*') || usual !== USUAL ? all : all.slice(1);
}

function natureFrom(sql: string, draft: NatureDraft): StatementNature {
  const { executed } = draft;
  const own = classOf(sql);
  return {
    class: executed === undefined || draft.count > 1 ? own : (executed?.class ?? 'writes'),
    refusal: draft.refusal,
    isReadOnly: draft.isReadOnly && draft.count > 0,
    dependsOnTime: draft.dependsOnTime,
    timestamp: draft.timestamp,
    isSetting: draft.isSetting,
    isSeveral: draft.count > 1,
    transaction: draft.transaction,
    prepares: draft.prepares,
    executes: draft.executes,
    writtenTables: [...draft.written],
    database: draft.database,
    changesDatabase: draft.changesDatabase,
    assembles: draft.assembles,
    texts: draft.texts,
  };
}

interface Known {
  readonly digest: Digest;
  /** null where texts of one shape have different natures. */
  readonly nature: StatementNature | null;
}

/** Texts with such pieces are read in more than one way, or hang on more than their shape. */
const AMBIGUOUS = /\\['"]|\/\*M?!|(?:[^\x00-\x7f]|\\x[89A-F][0-9A-F])`/;
const MOST_TEXTS = 2_000;
const LONGEST_TEXT = 512;
/** What is remembered of a shape besides the text of its digest takes as much as so many characters. */
const CHARACTERS_BESIDES = 200;

/** Natures and digests of a stream of statements, in a bounded memory; `of` costs little where the shape is known. */
export class Natures {
  #shapes = this.#newShapes();
  readonly #natures = new Map<string, StatementNature>();
  /** Of texts whose nature hangs on their literals, and not on what is prepared. */
  readonly #texts = new Map<string, StatementNature>();

  of(
    sql: string,
    prepared: Prepared = NONE_PREPARED,
  ): { readonly nature: StatementNature; readonly digest: Digest } {
    const known = this.#shapes.of(sql);
    const { digest } = known;
    if (known.nature !== null && !AMBIGUOUS.test(sql)) return { nature: known.nature, digest };
    const remembered = this.#texts.get(sql);
    if (remembered !== undefined) return { nature: remembered, digest };
    const isUsual = known.nature !== null && usualReading(sql) === USUAL;
    const nature = isUsual
      ? cautious(known.nature, sql, prepared, 0, USUAL)
      : natureOf(sql, prepared);
    if (sql.length <= LONGEST_TEXT && nature.executes === null) {
      if (this.#texts.size >= MOST_TEXTS) this.#texts.clear();
      this.#texts.set(sql, nature);
    }
    return { nature, digest };
  }

  /** Lets go of what it remembers. */
  forget(): void {
    this.#shapes = this.#newShapes();
    this.#natures.clear();
    this.#texts.clear();
  }

  #newShapes(): ShapeCache<Known> {
    return new ShapeCache<Known>(
      (sql) => this.#known(sql),
      ({ digest }) => digest.text.length + CHARACTERS_BESIDES,
    );
  }

  #known(sql: string): Known {
    const text = digestText(sql);
    // Of the shape alone: a text that can be read otherwise is looked at each time.
    const reader = readerOf(sql, {}, NONE_PREPARED, 0);
    const nature = natureFrom(sql, reader.read());
    const isOfShape = !reader.hasTellingLiterals && nature.class !== null;
    return {
      digest: { text, id: digestId(text) },
      nature: isOfShape ? this.#shared(nature) : null,
    };
  }

  /** Most shapes of a record have one of few natures. */
  #shared(nature: StatementNature): StatementNature {
    const key = JSON.stringify(nature);
    const known = this.#natures.get(key);
    if (known !== undefined || key.length > LONGEST_TEXT * 2) return known ?? nature;
    if (this.#natures.size >= MOST_TEXTS) this.#natures.clear();
    this.#natures.set(key, nature);
    return nature;
  }
}
