import type { ReportHead } from '../../../core/reports/report-comparison.ts';
import type { Coverage, Dimension, Report, ReportRow } from '../../../core/reports/report.ts';
import { counted, formatCount } from '../../../core/units.ts';
import { roundedShare } from '../../../display/report-numbers.ts';

type Kind = keyof Coverage['unlisted'];
type Numbers = Pick<ReportHead, 'statements' | 'digests' | 'sessions' | 'coverage'>;

/** What rows of statements that no row can be made of are called. */
export const OTHER = '(other)';

/** `1 digest`, `412 digests`, `more than 20,000 digests`. */
export function digestsText({ digests, coverage }: Numbers): string {
  return `${moreThan(coverage.unlisted.digests)}${counted(digests, 'digest')}`;
}

/** `412`, `more than 20,000`. */
export function sessionsSeen({ sessions, coverage }: Numbers): string {
  return `${moreThan(coverage.unlisted.sessions)}${formatCount(sessions.seen)}`;
}

/** `412`, `more than 20,000`. */
export function digestsSeen({ digests, coverage }: Numbers): string {
  return `${moreThan(coverage.unlisted.digests)}${formatCount(digests)}`;
}

function moreThan(unlisted: number): string {
  return unlisted > 0 ? 'more than ' : '';
}

/** What is not told apart because there is too much of it: a sentence for each kind. */
export function unlistedTexts({ statements, digests, sessions, coverage }: Numbers): string[] {
  const why: Readonly<Record<Kind, string>> = {
    digests: `only the first ${counted(digests, 'digest')} are told apart. These are counted by class, database, user and host; their tables are not known`,
    databases: tooMany('databases'),
    users: tooMany('users'),
    hosts: tooMany('hosts'),
    sessions: `only the first ${counted(sessions.seen, 'session')} are told apart`,
  };
  return KINDS.flatMap((kind) => {
    const count = coverage.unlisted[kind];
    if (count === 0) return [];
    const share = roundedShare(count / statements);
    return `${counted(count, 'statement')} (${share}): ${why[kind]}`;
  });
}

function tooMany(names: string): string {
  return `there are too many ${names} to tell all of them apart`;
}

const KINDS: readonly Kind[] = ['digests', 'databases', 'users', 'hosts', 'sessions'];

/** The same of the rows of one dimension, where only these are shown. */
export function unlistedWarning(statements: number, by: Dimension): string {
  const count = counted(statements, 'statement');
  return by === 'table'
    ? `The tables of ${count} are not known, because there are too many digests: rows have at least what they show`
    : `${count} ${statements === 1 ? 'is' : 'are'} in no row, because there are too many different ones`;
}

/** The statements that no row can be made of, as a row: it has a count, and is not told when; null for none. */
export function otherRow({ unlisted }: Report): ReportRow | null {
  if (unlisted === null) return null;
  return {
    ...unlisted,
    name: OTHER,
    digest: null,
    text: null,
    db: null,
    class: null,
    first: '',
    last: '',
    users: [],
    hosts: [],
    tables: [],
    digests: null,
    example: null,
    withoutValues: null,
    times: null,
    opened: null,
    closed: null,
  };
}
