import type { ReplayReport } from '../replays/replay-report.ts';
import type { ReplayOptions } from '../replays/replay.ts';
import { counted, formatCount, roundedDuration } from '../units.ts';

/** Of the statements that one answered, the other may lack this share, and had the same to do all the same. */
const MUCH_MISSING = 0.02;
/** Statements that are later than this, as the 99th percentile, and by more than the other's, were not sent at one pace. */
const LATE_MS = 100;
const MUCH_LATER = 3;

/** What makes the load of a target what it is. */
const PACE: readonly (keyof ReplayOptions)[] = ['speed', 'serial', 'sessions', 'writes'];

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
    ...sides.flatMap(([side, replay]) => endCautions(side, replay)),
    ...optionCautions(a.replay.options, b.replay.options),
    ...sides.flatMap(([side, replay], index) => lateCautions(side, replay, index === 0 ? b : a)),
    ...missingCautions(a, b),
    ...sides.flatMap(([side, replay]) => rowCautions(side, replay)),
  ];
}

/** Whether both targets had the same statements to do at the same pace, as far as one can tell. */
export function hadSameLoad(a: ReplayReport, b: ReplayReport): boolean {
  return (
    PACE.every((name) => isEqual(a.replay.options[name], b.replay.options[name])) &&
    isEqual(a.replay.options.search, b.replay.options.search) &&
    lateCautions('A', a, b).length === 0 &&
    lateCautions('B', b, a).length === 0 &&
    missingCautions(a, b).length === 0
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

function endCautions(side: string, { status, reason, result }: ReplayReport): string[] {
  const { ended } = result;
  if (ended.why === 'target_lost') {
    return [`${side} ended before its record did: ${ended.message}`];
  }
  if (ended.why === 'interrupted') return [`${side} was ended before its record did`];
  return status === 'FAILED' ? [`${side} failed: ${reason ?? 'no reason is known'}`] : [];
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
  if (one.writes !== other.writes) {
    const [readOnly, writing] = one.writes ? ['B', 'A'] : ['A', 'B'];
    found.push(
      `${readOnly} was read-only and ${writing} wrote: what writes is in ${writing} alone, and ${writing}'s server had more to do`,
    );
  }
  if (one.sessions !== other.sessions) {
    const most = ({ sessions }: ReplayOptions): string =>
      sessions === null ? 'all its sessions' : `at most ${counted(sessions, 'session')}`;
    found.push(`A had ${most(one)} at once, B ${most(other)}: latencies are of different loads`);
  }
  if (!isEqual(one.search, other.search)) {
    found.push(
      'A and B replayed different parts of the record: only digests with as many answers on both sides are compared',
    );
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

function missingCautions(a: ReplayReport, b: ReplayReport): string[] {
  const answers = ({ result: { rows } }: ReplayReport): number =>
    rows.reduce((sum, { count }) => sum + count, 0);
  const [inA, inB] = [answers(a), answers(b)];
  const [least, most] = [Math.min(inA, inB), Math.max(inA, inB)];
  if (most === 0) return ['Neither A nor B has an answer'];
  if (least >= (1 - MUCH_MISSING) * most) return [];
  return [
    `A has ${counted(inA, 'answer')} and B ${formatCount(inB)}: their servers did not have the same to do`,
  ];
}

function rowCautions(side: string, { result: { unlisted } }: ReplayReport): string[] {
  if (unlisted === 0) return [];
  return [
    `${counted(unlisted, 'statement')} of ${side} are of digests that are not told apart, there are too many: these are not compared`,
  ];
}
