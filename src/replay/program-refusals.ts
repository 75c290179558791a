import type { ReplayOptions } from '../core/replays/replay.ts';
import type { ProgramKind, TargetProgram } from '../core/replays/target.ts';
import { formatCount } from '../core/units.ts';
import { namedIn } from '../sql/named-things.ts';
import { natureOf, type StatementNature, type StatementRefusal } from '../sql/statement-nature.ts';
import { schemaRefusal, systemTableRefusal } from '../sql/system-schemas.ts';
import { isCertainText } from './compared-name.ts';
import {
  RefusedNames,
  type ReachedBy,
  type RefusedName,
  type Surroundings,
} from './refused-names.ts';

const REACHED_BY: Readonly<Record<ProgramKind, ReachedBy>> = {
  procedure: 'call',
  function: 'function',
  package: 'package',
  trigger: 'written',
  event: 'event',
  view: 'named',
};
/** What a read-only replay can come to run. */
const READ_ONLY: ReadonlySet<ProgramKind> = new Set(['function', 'package', 'view']);
/** Programs that a warning names. */
const MOST_NAMED = 5;

interface ReadProgram {
  readonly body: string;
  readonly nature: StatementNature;
}

/** What a program is by its text, which is not kept: all of them are more than the memory of a replay. */
interface SeenProgram {
  readonly program: TargetProgram;
  readonly refusal: StatementRefusal | null;
  /** Of a view: why its tables are not to be written. */
  readonly written: StatementRefusal | null;
  readonly assembles: boolean;
}

/**
 * Which statements would make the target run a program of its own that does what is never sent: by the texts of
 * its programs, and of those that these call.
 */
export class ProgramRefusals {
  readonly #names: RefusedNames;
  readonly #mapped: (database: string) => string;
  /** Of programs that nobody can look into. */
  readonly warnings: readonly string[];

  constructor(
    programs: readonly TargetProgram[],
    { writes, databases }: Pick<ReplayOptions, 'writes' | 'databases'>,
  ) {
    const names = new Map(databases.map(({ recorded, target }) => [recorded, target]));
    this.#mapped = (database) => names.get(database) ?? database;
    const seen: SeenProgram[] = [];
    const unseen: TargetProgram[] = [];
    for (const program of programs) {
      const one = seenProgram(program);
      if (one !== null) seen.push(one);
      else if ((writes || READ_ONLY.has(program.kind)) && isEverCalled(program))
        unseen.push(program);
    }
    this.#names = new RefusedNames(refusedOf(seen));
    const assembling = writes
      ? seen
          .filter((one) => one.assembles && isEverCalled(one.program))
          .map(({ program }) => program)
      : [];
    this.warnings = [
      ...warningOf(assembling, 'puts its SQL together', 'put their SQL together'),
      ...warningOf(unseen, 'cannot be read', 'cannot be read'),
    ];
  }

  /** @param database the session's default one, by the record. */
  of(sql: string, nature: StatementNature, database: string | null): RefusedName | null {
    if (this.#names.isEmpty) return null;
    const mapped = this.#mapped;
    const defaults = [database, nature.database]
      .filter((one) => one !== null)
      .map((one) => mapped(one));
    return this.#names.of(sql, nature, { defaults: database === null ? null : defaults, mapped });
  }
}

/** A CALL of a procedure of the server's own is never sent, whatever is in it. */
function isEverCalled({ kind, database }: TargetProgram): boolean {
  return kind !== 'procedure' || schemaRefusal(database) === null;
}

/** Names of programs, as many as a person reads. */
export function namedPrograms(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMED).join(', ');
  const more = names.length - MOST_NAMED;
  return more > 0 ? `${shown} and ${formatCount(more)} more` : shown;
}

function warningOf(programs: readonly TargetProgram[], one: string, several: string): string[] {
  if (programs.length === 0) return [];
  const kinds = new Set(programs.map(({ kind }) => kind));
  const [kind] = kinds;
  const noun = kinds.size === 1 && kind !== undefined ? kind : 'program';
  const isOne = programs.length === 1;
  const what = `${formatCount(programs.length)} ${noun}${isOne ? '' : 's'} of the target`;
  const does = isOne ? `${one}: what it does` : `${several}: what they do`;
  return [`${what} ${does} is not seen: ${namedPrograms(programs.map(nameOf))}`];
}

function nameOf({ database, name }: TargetProgram): string {
  return `${database}.${name}`;
}

/** null where nobody may see what it says. */
function readProgram({ kind, body }: TargetProgram): ReadProgram | null {
  return body === null ? null : { body, nature: natureOf(headOf(kind) + body) };
}

function seenProgram(program: TargetProgram): SeenProgram | null {
  const read = readProgram(program);
  if (read === null) return null;
  const { refusal, assembles } = read.nature;
  const written = program.kind === 'view' ? refusalOfTables(read.body) : null;
  return { program, refusal, written, assembles };
}

/** So that a body is read as what runs later, in a session of which nothing is known. */
function headOf(kind: ProgramKind): string {
  if (kind === 'view') return '';
  return kind === 'package' ? 'CREATE PACKAGE BODY p ' : 'CREATE PROCEDURE p() ';
}

/** Those that are never to run, by what they say themselves, and then those that lead to one of these. */
function refusedOf(programs: readonly SeenProgram[]): RefusedName[] {
  const all: RefusedName[] = [];
  const known = new Set<string>();
  let found: RefusedName[] = [];
  const refuse = (program: TargetProgram, by: ReachedBy, refusal: StatementRefusal): void => {
    const name = reachedName(program);
    const key = JSON.stringify([by, program.database, program.kind, program.name]);
    if (known.has(key)) return;
    known.add(key);
    found.push({ by, database: program.database, name, refusal, program: nameOf(program) });
  };
  for (const { program, refusal, written } of programs) {
    if (refusal !== null) refuse(program, REACHED_BY[program.kind], refusal);
    if (written !== null) refuse(program, 'written', written);
  }
  const mentioning = found.length === 0 ? null : new Mentions(programs);
  while (found.length > 0) {
    all.push(...found);
    const names = new RefusedNames(found);
    const leading = new Set(found.flatMap(({ name }) => mentioning?.of(name) ?? []));
    found = [];
    for (const program of leading) {
      const read = readProgram(program);
      if (read === null) continue;
      const { body, nature } = read;
      const { kind, database } = program;
      const surroundings: Surroundings = { defaults: [database], mapped: (name) => name };
      const reached = names.of(body, nature, surroundings);
      if (reached !== null) refuse(program, REACHED_BY[kind], reached.refusal);
      if (kind !== 'view') continue;
      const written = names.of(body, { ...nature, isReadOnly: false }, surroundings);
      if (written?.by === 'written') refuse(program, 'written', written.refusal);
    }
  }
  return all;
}

/** By what programs, and tables of triggers, are called: the programs in whose text that may stand. */
class Mentions {
  readonly #all: readonly TargetProgram[];
  readonly #byName = new Map<string, TargetProgram[]>();
  /** In whose texts are names beyond ASCII. */
  readonly #uncertain: TargetProgram[] = [];

  constructor(programs: readonly SeenProgram[]) {
    this.#all = programs.map(({ program }) => program);
    for (const program of this.#all) this.#byName.set(lowerName(program), []);
    for (const program of this.#all) {
      const read = readProgram(program);
      const texts = read === null ? [] : [read.body, ...read.nature.texts];
      if (!texts.every(isCertainText)) this.#uncertain.push(program);
      const names = texts.flatMap(namedIn).flatMap(({ parts }) => parts);
      for (const name of new Set(names.map((part) => part.toLowerCase()))) {
        this.#byName.get(name)?.push(program);
      }
    }
  }

  of(name: string): readonly TargetProgram[] {
    if (!isCertainText(name)) return this.#all;
    return [...(this.#byName.get(name.toLowerCase()) ?? []), ...this.#uncertain];
  }
}

function lowerName(program: TargetProgram): string {
  return reachedName(program).toLowerCase();
}

/** What a statement names to run it. */
function reachedName({ kind, name, table }: TargetProgram): string {
  return kind === 'trigger' ? (table ?? '') : name;
}

/** Whether a view is of the server's own tables: to write it is to write those. */
function refusalOfTables(body: string): StatementRefusal | null {
  for (const { parts } of namedIn(body)) {
    const [database, table] = parts;
    if (database === undefined || table === undefined) continue;
    const refusal = systemTableRefusal(`${database}.${table}`.toLowerCase(), 'VIEW');
    if (refusal !== null) return refusal;
  }
  return null;
}
