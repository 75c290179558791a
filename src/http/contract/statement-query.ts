import * as z from 'zod/mini';
import { EVERY_STATEMENT, type StatementSearch } from '../../core/workloads/statement-search.ts';
import { documented, flag, instant, repeated, wholeNumber } from './wire.ts';

/** Whole numbers, each in a field of its own; what is none is the core's to refuse. */
const numbers = z.codec(z.union([z.string(), z.array(z.string())]), z.custom<number[]>(), {
  decode: (given) => [given].flat().map((text) => (/^\d{1,15}$/.test(text) ? Number(text) : NaN)),
  encode: (list) => list.map(String),
});

function about(description: string) {
  return z.optional(documented(z.clone(repeated), { description }));
}

/**
 * Which statements are meant, as fields of a query by the names that the command line's options have. Those that
 * take several values are there several times.
 */
const searched = {
  grep: about('Whose text contains this; capitals in it make case matter'),
  caseSensitive: z.optional(flag),
  user: about('Of these users; patterns have * and ?'),
  host: about('From these hosts'),
  db: about('With these default databases'),
  session: z.optional(documented(numbers, { description: 'Of these connections of the server' })),
  kind: about('query, execute, connect …'),
  digest: about('With this digest, or the first digits of it'),
  table: about('That name this table: orders, shop.orders'),
  since: z.optional(instant),
  until: z.optional(instant),
};

/** And how many of them. */
export const chosenStatements = { ...searched, limit: z.optional(wholeNumber) };

/** And from where on, for who has read a part of them. */
export const readStatements = {
  ...chosenStatements,
  after: z.optional(
    documented(z.clone(wholeNumber), {
      description:
        'Only those behind the record with this `seq`: as one goes on who has read that far',
    }),
  ),
};

type SearchQuery = z.output<z.ZodMiniObject<typeof searched>>;

export function searchOf(query: SearchQuery): StatementSearch {
  const { grep = [], user = [], host = [], db = [], session = [], kind = [] } = query;
  const { digest = [], table = [], since = null, until = null } = query;
  return {
    texts: grep,
    matchesCase: query.caseSensitive === true,
    users: user,
    hosts: host,
    databases: db,
    sessions: session,
    // Which of them there are is the core's to say.
    kinds: kind as readonly string[] as StatementSearch['kinds'],
    digests: digest,
    tables: table,
    since,
    until,
  };
}

/** @param search null for every statement. */
export function searchFields(search: StatementSearch = EVERY_STATEMENT): SearchQuery {
  const { texts, users, hosts, databases, sessions, kinds, digests, tables } = search;
  const { matchesCase, since, until } = search;
  const lists = { grep: texts, user: users, host: hosts, db: databases, kind: kinds };
  const given = Object.entries({ ...lists, digest: digests, table: tables })
    .filter(([, list]) => list.length > 0)
    .map(([name, list]) => [name, [...list]]);
  return {
    ...(Object.fromEntries(given) as SearchQuery),
    ...(matchesCase ? { caseSensitive: true } : {}),
    ...(sessions.length === 0 ? {} : { session: [...sessions] }),
    ...(since === null ? {} : { since }),
    ...(until === null ? {} : { until }),
  };
}
