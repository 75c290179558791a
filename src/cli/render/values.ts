import {
  lackingFirst,
  shareText,
  shareWithValues,
  type UserExecutes,
  type ValueCounts,
} from '../../core/verification/value-counts.ts';
import type { JsonObject } from './column.ts';
import { counted, formatCount } from '../../core/units.ts';

const NAMED = 3;

/** `share` is from 0 to 1, null where nothing was executed. */
export function valuesJson(counts: ValueCounts): JsonObject {
  const { executes, withoutValues, users, otherUsers, sessions, otherSessions } = counts;
  return {
    executes,
    withoutValues,
    share: shareWithValues(counts),
    users: users.map((user) => ({
      user: user.user,
      executes: user.executes,
      withoutValues: user.withoutValues,
      share: shareWithValues(user),
    })),
    otherUsers: { ...otherUsers },
    sessions: sessions.map(({ session, user, host, ...counted }) => ({
      session,
      user,
      host,
      executes: counted.executes,
      withoutValues: counted.withoutValues,
      share: shareWithValues(counted),
    })),
    otherSessions: { ...otherSessions },
  };
}

/** `known for 10 % of 112,548 executes; without: app 101,293 in 20 sessions`. */
export function valuesText(counts: ValueCounts): string {
  const share = shareWithValues(counts);
  if (share === null) return 'no prepared statement was executed';
  const known = `known for ${shareText(share)} of ${counted(counts.executes, 'execute')}`;
  return counts.withoutValues === 0 ? known : `${known}; without: ${lackingText(counts)}`;
}

/** Whose executes come without values: `app 101,293 in 20 sessions, batch 12 in 1 session`. */
export function lackingText(counts: ValueCounts): string {
  const users = lackingFirst(counts.users);
  const named = users.slice(0, NAMED).map((user) => userText(user, counts));
  const rest = counts.withoutValues - sumOf(users.slice(0, NAMED));
  return [...named, ...(rest > 0 ? [`others ${formatCount(rest)}`] : [])].join(', ');
}

function userText({ user, withoutValues }: UserExecutes, { sessions }: ValueCounts): string {
  const own = lackingFirst(sessions.filter((session) => session.user === user));
  const isAll = sumOf(own) === withoutValues;
  const many = `${isAll ? '' : 'at least '}${counted(own.length, 'session')}`;
  return `${user ?? 'unknown user'} ${formatCount(withoutValues)} in ${many}`;
}

function sumOf(counted: readonly { readonly withoutValues: number }[]): number {
  return counted.reduce((sum, { withoutValues }) => sum + withoutValues, 0);
}
