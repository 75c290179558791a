import type { ReplayReport } from '../replays/replay-report.ts';
import type { ReplayOptions } from '../replays/replay.ts';
import { counted, roundedDuration } from '../units.ts';
import { incomparableTexts } from './replay-wholeness.ts';

/** Statements that are later than this, as the 99th percentile, and by more than the other's, were not sent at one pace. */
const LATE_MS = 100;
const MUCH_LATER = 3;

/** What makes the load of a target what it is. */
const PACE: readonly (keyof ReplayOptions)[] = ['speed', 'serial', 'sessions'];

/**
 * What one has to know before what is different between two replays: sentences, what matters most first.
 */
export function replayCautions(a: ReplayReport, b: ReplayReport): string[] {
  const sides = [
    ['A', a],
    ['B', b],
  ] as const;
  return [
    ...(isSame(a, b) ? ['A and B are the same replay: there is nothing to find'] : []),
    ...incomparableTexts(a, b),
    ...optionCautions(a.replay.options, b.replay.options),
    ...sides.flatMap(([side, replay], index) => lateCautions(side, replay, index === 0 ? b : a)),
    ...sides.flatMap(([side, replay]) => rowCautions(side, replay)),
  ];
}

/** Whether both targets had the same statements to do at the same pace, as far as one can tell. */
export function hadSameLoad(a: ReplayReport, b: ReplayReport): boolean {
  return (
    PACE.every((name) => isEqual(a.replay.options[name], b.replay.options[name])) &&
    lateCautions('A', a, b).length === 0 &&
    lateCautions('B', b, a).length === 0 &&
    incomparableTexts(a, b).length === 0
  );
}

function isSame(a: ReplayReport, b: ReplayReport): boolean {
  const keyOf = ({ id, environment, name, start }: ReplayReport): string =>
    JSON.stringify([id, environment, name, start]);
  return keyOf(a) === keyOf(b);
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function optionCautions(one: ReplayOptions, other: ReplayOptions): string[] {
  const found: string[] = [];
  const paceOf = ({ speed, serial }: ReplayOptions): string => {
    if (serial) return 'one statement at a time';
    if (speed === null) return 'as fast as each session goes';
    return speed === 1 ? 'as fast as recorded' : `${speed} times as fast as recorded`;
  };
  if (paceOf(one) !== paceOf(other)) {
    found.push(
      `A was replayed ${paceOf(one)}, B ${paceOf(other)}: latencies are of different loads`,
    );
  }
  if (one.sessions !== other.sessions) {
    const most = ({ sessions }: ReplayOptions): string =>
      sessions === null ? 'all its sessions' : `at most ${counted(sessions, 'session')}`;
    found.push(`A had ${most(one)} at once, B ${most(other)}: latencies are of different loads`);
  }
  if (!isEqual(one.databases, other.databases)) {
    found.push('A and B renamed databases differently: rows may differ because the data did');
  }
  if (one.recordedTime !== other.recordedTime) {
    const real = one.recordedTime ? 'B' : 'A';
    found.push(`NOW() was the real time in ${real} alone: rows may differ for that`);
  }
  return found;
}

function lateCautions(side: string, one: ReplayReport, other: ReplayReport): string[] {
  const [late, others] = [one.result.lateMs, other.result.lateMs];
  if (late === null) return [];
  if (late.p99Ms < LATE_MS || late.p99Ms < MUCH_LATER * (others?.p99Ms ?? 0)) return [];
  return [
    `${side} was late: 1 of 100 statements by ${roundedDuration(late.p99Ms / 1_000)} or more. The load was not as recorded, and latencies are of another load`,
  ];
}

function rowCautions(side: string, { result: { unlisted } }: ReplayReport): string[] {
  if (unlisted === 0) return [];
  return [
    `${counted(unlisted, 'statement')} of ${side} are of digests that are not told apart, there are too many: these are not compared`,
  ];
}
