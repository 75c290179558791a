import type { StatementRefusal, StatementNature } from '../sql/statement-nature.ts';
import { namedIn, type NamedThing } from '../sql/named-things.ts';
import { MOST_TABLES } from '../sql/tables.ts';
import { wordSet } from '../sql/words.ts';
import { ComparedName, isCertainText } from './compared-name.ts';

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

interface ComparedRefusal extends RefusedName {
  readonly compared: ComparedName;
  readonly within: ComparedName;
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
  readonly #all: readonly ComparedRefusal[];
  /** Those whose names are ASCII. */
  readonly #byName = new Map<string, ComparedRefusal[]>();
  readonly #uncertain: readonly ComparedRefusal[];
  readonly #expression: RegExp | null;

  constructor(refused: readonly RefusedName[]) {
    this.#all = refused.map((one) => ({
      ...one,
      compared: new ComparedName(one.name),
      within: new ComparedName(one.database),
    }));
    this.#uncertain = this.#all.filter(({ compared }) => !compared.isCertain);
    for (const one of this.#all) {
      if (!one.compared.isCertain) continue;
      const others = this.#byName.get(one.compared.text);
      if (others === undefined) this.#byName.set(one.compared.text, [one]);
      else others.push(one);
    }
    const names = [...this.#byName.keys()];
    const isSimple =
      this.#uncertain.length === 0 &&
      names.length <= MOST_BY_EXPRESSION &&
      names.every((one) => !/[`"]/.test(one));
    this.#expression = isSimple ? new RegExp(names.map(escaped).join('|'), 'i') : null;
  }

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  /** What a text would reach; null for nothing. */
  of(
    sql: string,
    nature: Pick<StatementNature, 'isReadOnly' | 'isSeveral' | 'writtenTables' | 'texts'>,
    surroundings: Surroundings,
  ): RefusedName | null {
    if (this.isEmpty) return null;
    for (const text of [sql, ...nature.texts]) {
      if (this.#expression?.test(text) === false && isCertainText(text)) continue;
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
            return isLast && (thing.before === 'CALL' || BEGINS_STATEMENT.has(thing.before));
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

  #named(name: string): readonly ComparedRefusal[] {
    const compared = new ComparedName(name);
    if (!compared.isCertain) {
      const isIt = ({ compared: { text } }: ComparedRefusal): boolean => text === compared.text;
      const found = this.#all.filter((one) => one.compared.mayBeNamed(compared));
      // Of what it may be, first what it is in the usual character set.
      return found.toSorted((one, other) => Number(isIt(other)) - Number(isIt(one)));
    }
    const certain = this.#byName.get(compared.text) ?? [];
    if (this.#uncertain.length === 0) return certain;
    return [...certain, ...this.#uncertain.filter((one) => one.compared.mayBeNamed(compared))];
  }

  #first(
    things: readonly NamedThing[],
    surroundings: Surroundings,
    isReached: (refused: RefusedName, thing: NamedThing, isLast: boolean) => boolean,
  ): RefusedName | null {
    for (const thing of things) {
      for (const [index, part] of thing.parts.entries()) {
        const isLast = index === thing.parts.length - 1;
        const found = this.#named(part).find(
          (one) =>
            isReached(one, thing, isLast) &&
            isWithin(one, thing.parts[index - 1] ?? null, surroundings),
        );
        if (found !== undefined) return found;
      }
    }
    return null;
  }
}

/** What may stand in front of a statement: with sql_mode ORACLE, a name there is a call (MariaDB 10.3). */
const BEGINS_STATEMENT: ReadonlySet<string> = new Set([
  ...wordSet('ATOMIC BEGIN THEN ELSE LOOP REPEAT DO AS IS'),
  ...['', ';', ':', '>'],
]);

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
  { within }: ComparedRefusal,
  qualifier: string | null,
  { defaults, mapped }: Surroundings,
): boolean {
  const named = qualifier === null ? defaults : [qualifier, mapped(qualifier)];
  return named === null || named.some((one) => within.mayBeNamed(new ComparedName(one)));
}

function escaped(name: string): string {
  return name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
