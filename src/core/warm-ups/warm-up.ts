import type { Capture } from '../captures/capture.ts';
import { AppError } from '../errors.ts';

/**
 * - waiting: asked for, and not on yet;
 * - on: sessions that come now are covered; also while a capture's log, which covers more, is on instead;
 * - over: `outcome` says why.
 */
export type WarmUpState = 'waiting' | 'on' | 'over';

/**
 * Sessions with an id greater than `after`, up to `upTo`, came while it was on; and those that came since
 * the last look, where it is open.
 */
export interface CoveredSessions {
  readonly after: number;
  readonly upTo: number;
  readonly isOpen: boolean;
}

/**
 * A time in which sessions that come to a server are covered: what they prepare is recorded with its
 * values later. Times are milliseconds since the epoch.
 */
export interface WarmUp {
  readonly id: number;
  readonly environmentId: number;
  /** The capture at whose start it ends; null for one that was asked for by itself. */
  readonly captureId: number | null;
  /** Name of the user who asked. */
  readonly askedBy: string;
  readonly begin: number;
  readonly until: number;
  readonly state: WarmUpState;
  /** Why it is over, half a sentence; null while it is not. */
  readonly outcome: string | null;
  /** The start of the server that the ids in `covered` are of, as `OpenSource.serverStart`. */
  readonly serverStart: number | null;
  readonly covered: readonly CoveredSessions[];
  /** The tap that has it in hand; null before one has. */
  readonly tapId: number | null;
}

type NewWarmUp = Pick<WarmUp, 'environmentId' | 'captureId' | 'askedBy' | 'begin' | 'until'>;
type WarmUpChanges = Partial<
  Pick<WarmUp, 'state' | 'outcome' | 'serverStart' | 'covered' | 'tapId' | 'until'>
>;

export interface WarmUpTable {
  insert(warmUp: NewWarmUp): WarmUp;
  find(id: number): WarmUp | null;
  /** The latest of an environment, newest first. */
  listOf(environmentId: number): WarmUp[];
  /** All that are not over. */
  listOpen(): WarmUp[];
  /** Those that a tap has, or had, in hand. */
  listOfTap(tapId: number): WarmUp[];
  update(id: number, changes: WarmUpChanges): void;
}

const SHORTEST_MS = 60_000;
const LONGEST_MS = 30 * 86_400_000;
/** A capture may start late: so long a daemon waits unless it is told otherwise. */
const LATE_MS = 10 * 60_000;

const TIME_IS_UP = 'its time was up';

/** @throws AppError `invalid` for a warm-up that is too short or too long. */
export function checkWarmUp(ms: number | null): void {
  if (ms === null) return;
  if (Number.isSafeInteger(ms) && ms >= SHORTEST_MS && ms <= LONGEST_MS) return;
  throw new AppError('invalid', 'A warm-up lasts from 60 seconds to 30 days', {
    hint: { code: 'warm_up_length' },
  });
}

/**
 * Why a warm-up that is not over is to end now; null when it is to go on.
 * @param capture that it was asked for with; null where it was deleted, and where there is none.
 */
export function whyOver(
  { captureId, until }: WarmUp,
  capture: Capture | null,
  now: number,
): string | null {
  if (captureId === null) return now >= until ? TIME_IS_UP : null;
  if (capture === null) return 'its capture was deleted';
  if (capture.status !== 'SCHEDULED' && capture.status !== 'STARTING') {
    return capture.status === 'FAILED' ? 'its capture failed' : 'its capture began';
  }
  if (capture.scheduledStart !== until) return 'its capture was moved';
  return now >= latestEnd({ captureId, until }) ? TIME_IS_UP : null;
}

/** The latest that a warm-up can end: one of a capture waits for that when it is late. */
export function latestEnd({ captureId, until }: Pick<WarmUp, 'captureId' | 'until'>): number {
  return captureId === null ? until : until + LATE_MS;
}

/** Covered sessions, seen up to the newest one of now, where that is known. */
export function seenUpTo(
  covered: readonly CoveredSessions[],
  newest: number | null,
): readonly CoveredSessions[] {
  return covered.map((one) =>
    one.isOpen ? { ...one, upTo: Math.max(one.upTo, newest ?? 0) } : one,
  );
}

/** Sessions that come later are not among them. */
export function closed(
  covered: readonly CoveredSessions[],
  newest: number | null,
): readonly CoveredSessions[] {
  return seenUpTo(covered, newest).map((one) => ({ ...one, isOpen: false }));
}

/**
 * Whether a session came in a warm-up of this life of the server.
 * @param isOn whether it still covers now: else nobody knows since when it has been off, and those that
 *   came after the last look do not count.
 */
export function isCovered(
  session: number,
  serverStart: number,
  warmUps: readonly WarmUp[],
  isOn: boolean,
): boolean {
  return warmUps.some(
    (warmUp) =>
      warmUp.serverStart === serverStart &&
      warmUp.covered.some(
        ({ after, upTo, isOpen }) =>
          session > after && (session <= upTo || (isOpen && isOn && warmUp.state === 'on')),
      ),
  );
}
