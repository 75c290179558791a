import type { ReportHead } from '../../../core/reports/report-comparison.ts';
import type { Coverage, Dimension, Report, ReportRow } from '../../../core/reports/report.ts';
import { MOST_UNLISTED_NAMES } from '../../../core/reports/tally.ts';
import { counted, formatCount } from '../../../core/units.ts';
import { roundedShare } from './report-view.ts';

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
export function unlistedTexts(numbers: Numbers): string[] {
  const { statements, digests, sessions, coverage } = numbers;
  const most: Readonly<Record<Kind, number>> = {
    digests,
    databases: MOST_UNLISTED_NAMES,
    users: MOST_UNLISTED_NAMES,
    hosts: MOST_UNLISTED_NAMES,
    sessions: sessions.seen,
  };
  return KINDS.flatMap((kind) => {
    const count = coverage.unlisted[kind];
    if (count === 0) return [];
    const { what, rest } = UNLISTED[kind];
    const share = roundedShare(count / statements);
    return `${counted(count, 'statement')} (${share}), there are more than ${formatCount(most[kind])} ${what}${rest}`;
  });
}

const UNLISTED: Readonly<Record<Kind, { readonly what: string; readonly rest: string }>> = {
  digests: {
    what: 'digests',
    rest: ': counted by class, database, user and host; their tables are not known',
  },
  databases: { what: 'databases', rest: '' },
  users: { what: 'users', rest: '' },
  hosts: { what: 'hosts', rest: '' },
  sessions: { what: 'sessions', rest: '' },
};
const KINDS = Object.keys(UNLISTED) as Kind[];

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
