import { entriesOf } from './replay-accounting.ts';
import type {
  Accounting,
  Replay,
  ReplayOptions,
  ReplaySource,
  StoredReplay,
} from '../../../core/replays/replay.ts';
import { counted, formatCount, formatExactDuration } from '../../../core/units.ts';
import { fullName } from '../full-name.ts';
import { localTime } from '../moments.ts';

/** `as fast as recorded`, `4 times as fast as recorded`, `as fast as each session goes`. */
export function speedText({ speed, serial }: Pick<ReplayOptions, 'speed' | 'serial'>): string {
  if (serial) return "one statement at a time, in the record's order";
  if (speed === null) return 'as fast as each session goes';
  return speed === 1 ? 'as fast as recorded' : `${speed} times as fast as recorded`;
}

/** What a target has to expect. */
export function accessText({ writes }: Pick<ReplayOptions, 'writes'>): string {
  return writes ? 'WRITES: data on it are changed' : 'read-only: what may change data is skipped';
}

/** Everything else that was asked for, and is not usual; empty for nothing. */
export function otherOptionTexts(options: ReplayOptions, zone: string): string[] {
  const { sessions, databases, users, recordedTime, deadline, checksums } = options;
  const texts: string[] = [];
  if (sessions !== null) texts.push(`${counted(sessions, 'connection')} at most`);
  for (const { recorded, target } of databases) texts.push(`database ${recorded} is ${target}`);
  if (users.length > 0) {
    texts.push(`users: ${users.map(({ recorded, user }) => `${recorded} as ${user}`).join(', ')}`);
  }
  if (!recordedTime) texts.push('NOW() is the real time');
  texts.push(`a statement is broken off after ${formatExactDuration(deadline)}`);
  if (checksums) texts.push('checksums of written tables');
  return [...texts, ...searchTexts(options.search, zone)];
}

/** Which statements were asked for; empty for all. */
function searchTexts(search: ReplayOptions['search'], zone: string): string[] {
  const { texts, users, hosts, databases, sessions, kinds, digests, tables, since, until } = search;
  const lists: readonly (readonly [string, readonly (string | number)[]])[] = [
    ['text', texts.map((text) => JSON.stringify(text))],
    ['user', users],
    ['host', hosts],
    ['database', databases],
    ['session', sessions],
    ['kind', kinds],
    ['digest', digests],
    ['table', tables],
  ];
  const some = lists.flatMap(([name, values]) =>
    values.length === 0 ? [] : [`only ${name} ${values.join(' or ')}`],
  );
  if (since !== null) some.push(`since ${localTime(since, zone)}`);
  if (until !== null) some.push(`until ${localTime(until, zone)}`);
  return some;
}

/** `shop/friday (MariaDB 10.11.8)`. */
export function sourceText({ captureName, environmentName, server }: ReplaySource): string {
  const name = fullName({ environmentName, name: captureName });
  return server === null ? name : `${name} (${server.flavor} ${server.version})`;
}

/** Whether somebody ended it before the end of the record. */
export function endedEarly({ result }: Pick<Replay, 'result'>): boolean {
  return result?.ended.why === 'interrupted';
}

/** How one that somebody ended did: `was stopped by ada after 2,385 of 23,311 records`. */
export function endText({ capture, result }: Replay): string {
  const by = capture.reason?.startsWith('stopped by ') === true ? `was ${capture.reason}` : null;
  const [how, ...why] = (by ?? 'ended early').split(': ');
  const reason = by === null ? capture.reason : why.length === 0 ? null : why.join(': ');
  const after = result === null ? '' : ` after ${reachedText(result)}`;
  return `${how ?? ''}${after}${reason === null ? '' : `: ${reason}`}`;
}

/** `2,385 of 23,311 records`: those that it came to. */
export function reachedText({ records, skipped }: Accounting): string {
  const reached = records - (skipped.interrupted ?? 0) - (skipped.target_lost ?? 0);
  return `${formatCount(reached)} of ${counted(records, 'record')}`;
}

/** `MariaDB 11.8.3 at db2:3306`; a dash for one that was not reached. */
export function targetText(target: StoredReplay['target']): string {
  if (target === null) return 'not reached';
  return `${target.flavor} ${target.version}, ${target.hostname}:${target.port}`;
}

/** `80,312 = 78,201 sent + 2,000 skipped (writes 1,500, echo 500) + 111 failed (1213: 100, 1146: 11)`. */
export function accountingText({ records, sent, skipped, failed }: Accounting): string {
  return [
    `${formatCount(records)} = ${formatCount(sent)} sent`,
    partText(skipped, 'skipped', ' '),
    partText(failed, 'failed', ': '),
  ].join(' + ');
}

function partText(
  counts: Readonly<Record<string, number | undefined>>,
  what: string,
  separator: string,
): string {
  const entries = entriesOf(counts);
  const all = entries.reduce((sum, [, count]) => sum + count, 0);
  const each = entries.map(([name, count]) => `${name}${separator}${formatCount(count)}`);
  return `${formatCount(all)} ${what}${each.length === 0 ? '' : ` (${each.join(', ')})`}`;
}
