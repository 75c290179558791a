import type { StatementRefusal, StatementNature } from '../sql/statement-nature.ts';
import { namedIn, type NamedThing } from '../sql/named-things.ts';
import { MOST_TABLES } from '../sql/tables.ts';

/**
 * By what a statement comes to run something of the target:
 * - `call`, `function`, `package`: it calls it;
 * - `event`: it names it, and is about an event;
 * - `named`: it names it at all, as a view;
 * - `written`: it writes a table, or a view of one.
 */
export type ReachedBy = 'call' | 'function' | 'package' | 'event' | 'named' | 'written';

/** What is not to be reached. */
export interface RefusedName {
  readonly by: ReachedBy;
  readonly database: string;
  /** Of the program, or of the table that it belongs to. */
  readonly name: string;
  readonly refusal: StatementRefusal;
  /** The program, for who asks why. */
  readonly program: string;
}

/** Where a statement is, and what the names in it stand for. */
export interface Surroundings {
  /** Default databases at the target that it may have; null where any may be. */
  readonly defaults: readonly string[] | null;
  /** What a database that it names is called at the target. */
  readonly mapped: (database: string) => string;
}

/** Up to so many names one expression looks for in every text; more would cost more than to read the text. */
const MOST_BY_EXPRESSION = 8;

const MAKES = /\b(?:create|alter)\b/i;

/** Names of the target that statements must not reach. `of` costs little where a text has none of them in it. */
export class RefusedNames {
  readonly #byName = new Map<string, RefusedName[]>();
  readonly #expression: RegExp | null;

  constructor(refused: readonly RefusedName[]) {
    for (const one of refused) {
      const key = folded(one.name);
      const others = this.#byName.get(key);
      if (others === undefined) this.#byName.set(key, [one]);
      else others.push(one);
    }
    const names = [...new Set(refused.map(({ name }) => name))];
    const isSimple = names.length <= MOST_BY_EXPRESSION && names.every((one) => !/[`"]/.test(one));
    this.#expression = isSimple ? new RegExp(names.map(escaped).join('|'), 'i') : null;
  }

  get isEmpty(): boolean {
    return this.#byName.size === 0;
  }

  /** What a text would reach; null for nothing. */
  of(
    sql: string,
    nature: Pick<StatementNature, 'isReadOnly' | 'isSeveral' | 'writtenTables' | 'texts'>,
    surroundings: Surroundings,
  ): RefusedName | null {
    if (this.isEmpty) return null;
    for (const text of [sql, ...nature.texts]) {
      // Names are compared without their accents.
      if (this.#expression?.test(text) === false && isAscii(text)) continue;
      const found = this.#in(text, nature, surroundings);
      if (found !== null) return found;
    }
    return null;
  }

  #in(
    text: string,
    nature: Pick<StatementNature, 'isReadOnly' | 'isSeveral' | 'writtenTables' | 'texts'>,
    around: Surroundings,
  ): RefusedName | null {
    const isSure = knowsWritten(text, nature);
    // What is made may be in another database than the session, and its names stand for what is there.
    const surroundings = MAKES.test(text) ? { ...around, defaults: null } : around;
    const mayWrite = !nature.isReadOnly && !isSure;
    const written = isSure ? nature.writtenTables.map(asNamed) : [];
    const things = namedIn(text);
    const isOfEvent = things.some(({ parts }) => /^event$/i.test(parts[0] ?? ''));
    return (
      this.#first(written, surroundings, ({ by }) => by === 'written') ??
      this.#first(things, surroundings, ({ by }, thing, isLast) => {
        switch (by) {
          case 'call':
            return isLast && thing.before === 'CALL';
          case 'function':
            return isLast && thing.isCalled && thing.before !== 'FUNCTION';
          case 'package':
            return !isLast;
          case 'event':
            return isLast && isOfEvent;
          case 'named':
            return true;
          case 'written':
            return mayWrite;
        }
      })
    );
  }

  #first(
    things: readonly NamedThing[],
    surroundings: Surroundings,
    isReached: (refused: RefusedName, thing: NamedThing, isLast: boolean) => boolean,
  ): RefusedName | null {
    for (const thing of things) {
      for (const [index, part] of thing.parts.entries()) {
        const isLast = index === thing.parts.length - 1;
        const found = this.#byName
          .get(folded(part))
          ?.find(
            (one) =>
              isReached(one, thing, isLast) &&
              isWithin(one.database, thing.parts[index - 1] ?? null, surroundings),
          );
        if (found !== undefined) return found;
      }
    }
    return null;
  }
}

/** Whether what is known of the tables that a text writes is all of them. */
function knowsWritten(
  text: string,
  {
    isSeveral,
    writtenTables,
    texts,
  }: Pick<StatementNature, 'isSeveral' | 'writtenTables' | 'texts'>,
): boolean {
  const { length } = writtenTables;
  if (isSeveral || texts.length > 0 || length === 0 || length >= MOST_TABLES) return false;
  return /^\s*(?:insert|replace|update|delete)\b/i.test(text) && !/["\\]|\/\*/.test(text);
}

function asNamed(table: string): NamedThing {
  const dot = table.lastIndexOf('.');
  const parts = dot === -1 ? [table] : [table.slice(0, dot), table.slice(dot + 1)];
  return { parts, before: '', isCalled: false };
}

function isWithin(
  database: string,
  qualifier: string | null,
  { defaults, mapped }: Surroundings,
): boolean {
  const wanted = folded(database);
  if (qualifier !== null) {
    return folded(qualifier) === wanted || folded(mapped(qualifier)) === wanted;
  }
  return defaults === null || defaults.some((one) => folded(one) === wanted);
}

/** As servers compare names of routines: without case, and without accents. */
export function folded(name: string): string {
  return name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

function escaped(name: string): string {
  return name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}
