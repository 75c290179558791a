import type { Command } from 'commander';
import { AppError } from '../../core/errors.ts';
import { EVERY_STATEMENT, type StatementSearch } from '../../core/workloads/statement-search.ts';
import { STATEMENT_KINDS, type StatementKind } from '../../core/workloads/statements.ts';
import type { Context } from '../runtime/context.ts';
import { shellQuoted } from '../render/shell-quoting.ts';
import { collected } from './arguments.ts';
import { offering, oneOf } from './choices.ts';
import { readPastTime } from './typed-times.ts';

/** Options that say which statements are meant. */
export interface TypedSearch {
  readonly grep?: readonly string[];
  readonly caseSensitive?: boolean;
  readonly user?: readonly string[];
  readonly host?: readonly string[];
  readonly db?: readonly string[];
  readonly session?: readonly number[];
  readonly kind?: readonly StatementKind[];
  readonly digest?: readonly string[];
  readonly table?: readonly string[];
  readonly since?: string;
  readonly until?: string;
}

/** Declares them, under a heading of their own. Options of one name are alternatives. */
export function registerSearchOptions(command: Command): Command {
  return command
    .optionsGroup('Which statements (all must match; an option given twice: one of its values):')
    .option('--grep <text>', 'whose text contains this; capitals in it make case matter', collected)
    .option('--case-sensitive', 'case matters to --grep in any case')
    .option('--user <pattern>', 'of these users; patterns have * and ?', collected)
    .option('--host <pattern>', 'from these hosts', collected)
    .option('--db <pattern>', 'with these default databases', collected)
    .option('--session <n>', 'of this connection of the server', parseSession)
    .option(
      '--kind <kind>',
      'query, execute, connect …, or several: query,execute',
      offering(
        STATEMENT_KINDS,
        (text: string, before: readonly StatementKind[] | undefined) => [
          ...(before ?? []),
          ...text.split(',').map((one) => oneOf(STATEMENT_KINDS, one.trim(), '--kind')),
        ],
        { isList: true },
      ),
    )
    .option('--digest <digest>', 'with this digest, or the first digits of it', collected)
    .option('--table <table>', 'that name this table: orders, shop.orders', collected)
    .option('--since <when>', "from this time on, by the server's clock")
    .option('--until <when>', 'before this time')
    .optionsGroup('Options:');
}

/**
 * What the core is asked for; says on stderr how times were understood.
 * @throws AppError `invalid`.
 */
export async function searchOf(typed: TypedSearch, context: Context): Promise<StatementSearch> {
  const { grep = [], caseSensitive = false } = typed;
  if (caseSensitive && grep.length === 0) {
    throw new AppError('invalid', '--case-sensitive says how --grep searches', {
      hint: 'Add --grep TEXT, or leave --case-sensitive out.',
    });
  }
  if (grep.includes('')) throw new AppError('invalid', '--grep needs a text to search for');
  const since = await readPastTime(context, 'since', typed.since);
  const until = await readPastTime(context, 'until', typed.until);
  if (since !== null && until !== null && since > until) {
    throw new AppError('invalid', '--since is later than --until');
  }
  return {
    ...EVERY_STATEMENT,
    texts: grep,
    matchesCase: caseSensitive,
    users: typed.user ?? [],
    hosts: typed.host ?? [],
    databases: typed.db ?? [],
    sessions: typed.session ?? [],
    kinds: [...new Set(typed.kind)],
    digests: typed.digest ?? [],
    tables: typed.table ?? [],
    since,
    until,
  };
}

/** What may be why nothing is found, a sentence each. */
export function mistakesIn(search: StatementSearch): string[] {
  const { texts, matchesCase, users, hosts, databases, tables } = search;
  const found: string[] = [];
  if (!matchesCase && texts.some((text) => text !== text.toLowerCase())) {
    found.push('Capitals in --grep make case matter; in small letters it finds both.');
  }
  const lists = { user: users, host: hosts, db: databases, table: tables };
  for (const [name, patterns] of Object.entries(lists)) {
    const several = patterns.find((pattern) => pattern.includes(','));
    if (several === undefined) continue;
    const apart = several.split(',').map((one) => `--${name} ${shellQuoted(one.trim())}`);
    found.push(`"${several}" is one pattern; for several: ${apart.join(' ')}`);
  }
  return found;
}

function parseSession(text: string, before: readonly number[] = []): readonly number[] {
  const session = /^\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(session)) return [...before, session];
  throw new AppError('invalid', `--session takes the number of a connection, not "${text}"`);
}
