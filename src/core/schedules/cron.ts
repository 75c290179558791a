import { Cron } from 'croner';
import { AppError, messageOf } from '../errors.ts';
import { checkTimeZone } from '../time-zones.ts';

// Counting costs about 0.1 ms an occurrence, and a daemon that catches up has other things to do.
const MOST_COUNTED = 5_000;

/** When something recurs: a cron expression, on the clocks of a time zone. */
export interface Recurrence {
  /** Five fields (minute, hour, day, month, weekday) or a nickname such as `@daily`. */
  readonly cron: string;
  /** An IANA name. */
  readonly timeZone: string;
}

/** Occurrences of an interval. */
export interface Occurrences {
  readonly count: number;
  /** Whether there are more than were counted. */
  readonly isMore: boolean;
  readonly first: number;
  readonly last: number;
}

/**
 * @throws AppError `invalid` for an expression that cannot be read, one that never matches and a
 *   time zone that nobody knows.
 */
export function checkRecurrence({ cron, timeZone }: Recurrence): void {
  checkTimeZone(timeZone);
  let next: Date | null;
  const fields = cron.trim() === '' ? 0 : cron.trim().split(/\s+/).length;
  try {
    next = parsed({ cron, timeZone }).nextRun(new Date());
  } catch (error) {
    // Of a wrong number of fields croner says that it reads five, six or seven.
    const why =
      fields === 5 || cron.trim().startsWith('@')
        ? messageOf(error).replace(/^Cron\w+: /, '')
        : `it has ${fields} ${fields === 1 ? 'field' : 'fields'}, not five`;
    throw new AppError('invalid', `The cron expression "${cron}" cannot be read: ${why}`, {
      hint: "The five fields: minute, hour, day of month, month, weekday. '0 9 * * 1-5' is 09:00 from Monday to Friday.",
    });
  }
  if (next === null) {
    throw new AppError('invalid', `The cron expression "${cron}" never matches`);
  }
}

/**
 * The first occurrence after an instant; null when there is none. On the day that clocks are set
 * forward a time they skip happens when the clocks go on; where they are set back a fixed time happens
 * once, the first time, and a repeating one (`*`, ranges, steps) both times.
 */
export function nextOccurrence(recurrence: Recurrence, after: number): number | null {
  return parsed(recurrence).nextRun(new Date(after))?.getTime() ?? null;
}

/** The last occurrence at or before an instant; null when there is none. */
export function lastOccurrence(recurrence: Recurrence, until: number): number | null {
  // croner looks before a whole second: the one after `until`, to have `until` itself as well.
  const from = new Date((Math.floor(until / 1_000) + 1) * 1_000);
  const [found] = parsed(recurrence).previousRuns(1, from);
  return found?.getTime() ?? null;
}

/** Occurrences from `from` to `to`, both included; null when there is none. */
export function occurrencesBetween(
  recurrence: Recurrence,
  from: number,
  to: number,
): Occurrences | null {
  const first = nextOccurrence(recurrence, from - 1);
  if (first === null || first > to) return null;
  const cron = parsed(recurrence);
  let count = 1;
  let last = first;
  while (count < MOST_COUNTED) {
    const next = cron.nextRun(new Date(last))?.getTime() ?? null;
    if (next === null || next > to) return { count, isMore: false, first, last };
    count += 1;
    last = next;
  }
  return { count, isMore: true, first, last: lastOccurrence(recurrence, to) ?? last };
}

const known = new Map<string, Cron>();

/** Reading an expression costs as much as ten questions to it. */
function parsed({ cron, timeZone }: Recurrence): Cron {
  const key = `${timeZone} ${cron}`;
  let found = known.get(key);
  if (found === undefined) {
    // Without "5-part" a sixth field would be seconds: no capture is that short.
    const mode = cron.trim().startsWith('@') ? 'auto' : '5-part';
    const domAndDow = mustMeetBothDays(cron);
    found = new Cron(cron.trim(), { timezone: timeZone, paused: true, mode, domAndDow });
    if (known.size > 1_000) known.clear();
    known.set(key, found);
  }
  return found;
}

// Vixie's cron (entry.c: DOM_STAR, DOW_STAR) takes a field that begins with a star for one that restricts
// nothing: a step of such a field and a weekday have both to fit, 1-31/2 and a weekday either.
function mustMeetBothDays(cron: string): boolean {
  const [, , dayOfMonth = '', , weekday = ''] = cron.trim().split(/\s+/);
  return dayOfMonth.startsWith('*') || weekday.startsWith('*');
}
