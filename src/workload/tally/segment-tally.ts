import { createHash, type Hash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { Progress } from '../../core/progress.ts';
import type { TallyProgress } from '../../core/reports/tally.ts';
import { counted, formatCount } from '../../core/units.ts';
import type { ExpectedSegment } from '../../core/workloads/workload.ts';
import { DamagedRecord, diskFailure, failureOf, isMissing } from '../disk-errors.ts';
import { hashPrefix, openToRead, segmentFileName, segmentPath } from '../segment-files.ts';
import { OneLaneNeeded, type CountingLanes } from './counting-lanes.ts';
import type { CountedRange, SaneTimes } from './record-counter.ts';
import {
  readSummary,
  writeSummary,
  type FileIdentity,
  type SegmentSummary,
} from './segment-summary.ts';
import { unitsOf } from './segment-units.ts';
import { TallyBuilder } from './tally-builder.ts';
import { mergePacked } from './tally-merging.ts';
import { packTally } from './tally-packing.ts';

/** What was counted of a segment. */
export interface SegmentPart extends Omit<SegmentSummary, 'identity'> {
  /** The file when it was read. */
  readonly identity: FileIdentity;
  /** Bytes of the file that were counted in this process go on being so when it grows. */
  readonly hash: Hash | null;
  /** What a summary has none of, because it is of sound segments alone. */
  readonly wrongLines: number;
  readonly lostFrames: number;
}

/** What is to be counted of a segment. */
export interface SegmentTask {
  readonly folder: string;
  readonly segment: number;
  /** Bytes of its file that are committed; null for all that there are. */
  readonly end: number | null;
  /** null where nothing is known of it. */
  readonly expected: ExpectedSegment | null;
  readonly range: CountedRange;
  readonly window: SaneTimes;
  /** False where what lies beside the segment has turned out to be of no use. */
  readonly mayUseSummary: boolean;
  /** Bytes of the files before this one, and of all. */
  readonly bytesBefore: number;
  readonly bytesOfAll: number;
}

export interface CountedSegment {
  /** null where its file is missing, or is none. */
  readonly part: SegmentPart | null;
  /** The same as a tally where it was counted now: whose it is from then on. */
  readonly tally: TallyBuilder | null;
  /** One sentence each, which names the file. */
  readonly damage: readonly string[];
}

interface JustCounted extends Omit<CountedSegment, 'damage'> {
  readonly part: SegmentPart;
}

/** New bytes of a segment from which on its summary is written again. */
const WORTH_A_SUMMARY = 256 * 1024;
/** A file that was changed so shortly before may be changed again without its time telling. */
const RECENT_NS = 1_000_000_000n;

/**
 * Counts a segment: what is known of it is not counted again where its file is still the same, or has only
 * grown. What can be read of a damaged one is counted.
 * @param known of an earlier count with the same range; null for none.
 * @param makeRoom called before anything is counted, which takes memory; with the bytes of it.
 * @throws AppError `store_unusable` when the disk cannot be read; MalformedBytes where its summary is of no use.
 */
export async function* countSegment(
  task: SegmentTask,
  known: SegmentPart | null,
  lanes: CountingLanes,
  makeRoom: (bytes: number) => void,
): Progress<TallyProgress, CountedSegment> {
  const { folder, segment } = task;
  const name = segmentFileName(segment);
  const path = segmentPath(folder, segment);
  let file: FileHandle;
  try {
    file = await openToRead(path);
  } catch (error) {
    if (isMissing(error)) return { part: null, tally: null, damage: [`${name} is missing`] };
    if (error instanceof DamagedRecord) return { part: null, tally: null, damage: [error.what] };
    throw diskFailure(error, 'read', path);
  }
  try {
    const stat = await file.stat({ bigint: true });
    const size = Number(stat.size);
    const end = Math.min(size, task.end ?? size);
    const begun = await knownBefore(task, known, stat, end);
    if (begun?.bytes !== end) makeRoom(end - (begun?.bytes ?? 0));
    let counted: JustCounted =
      begun?.bytes === end
        ? { part: begun, tally: null }
        : yield* countOn(task, file, stat, begun, end, lanes);
    if (begun !== null && !isAsRecorded(counted.part, task.expected)) {
      counted = yield* countOn(task, file, stat, null, end, lanes);
    }
    return { ...counted, damage: damageOf(task, name, size, counted.part) };
  } catch (error) {
    throw failureOf(error, 'read', path);
  } finally {
    await file.close();
  }
}

/** What is known already of the file's first bytes, if they are still the same. */
async function knownBefore(
  { folder, segment, range, mayUseSummary }: SegmentTask,
  known: SegmentPart | null,
  stat: BigIntStats,
  end: number,
): Promise<SegmentPart | null> {
  const identity = identityOf(stat);
  if (known !== null && known.bytes <= end) {
    if (isSame(known.identity, identity)) return known;
    // This process has read it, and a recorder only ever adds to what is committed.
    const hasGrown = identity.size > known.identity.size;
    if (known.identity.inode === identity.inode && hasGrown) return { ...known, identity };
  }
  if (!mayUseSummary || !isAll(range)) return null;
  const summary = await readSummary(folder, segment);
  if (summary === null || summary.bytes > end) return null;
  const part = { ...summary, identity, wrongLines: 0, lostFrames: 0, hash: null };
  if (summary.identity !== null && isSame(summary.identity, identity)) return part;
  const hash = await hashPrefix(segmentPath(folder, segment), summary.bytes);
  return hash.copy().digest('hex') === summary.sha256 ? { ...part, hash } : null;
}

/** Counts what comes behind what is known: with several lanes first, and else with one. */
async function* countOn(
  task: SegmentTask,
  file: FileHandle,
  stat: BigIntStats,
  known: SegmentPart | null,
  end: number,
  lanes: CountingLanes,
): Progress<TallyProgress, JustCounted> {
  try {
    return yield* countWith(task, file, stat, known, end, lanes);
  } catch (error) {
    if (!(error instanceof OneLaneNeeded)) throw error;
    await lanes.useOneLane();
    return yield* countWith(task, file, stat, known, end, lanes);
  }
}

async function* countWith(
  task: SegmentTask,
  file: FileHandle,
  stat: BigIntStats,
  known: SegmentPart | null,
  end: number,
  lanes: CountingLanes,
): Progress<TallyProgress, JustCounted> {
  const { folder, segment, range, window } = task;
  const tally = new TallyBuilder();
  const from = known?.bytes ?? 0;
  let hash = createHash('sha256');
  let { records, wrongLines, lostFrames } = known ?? { records: 0, wrongLines: 0, lostFrames: 0 };
  if (known !== null) {
    mergePacked(tally, known.packed);
    hash = known.hash?.copy() ?? (await hashPrefix(segmentPath(folder, segment), from));
  }
  const units = unitsOf(file, from, end, hash);
  let bytes = from;
  for await (const unit of lanes.count(tally, units, { fd: file.fd, range, window })) {
    records += unit.records;
    wrongLines += unit.wrongLines;
    lostFrames += unit.lostFrames;
    bytes += unit.bytes;
    yield { type: 'counted', bytes: task.bytesBefore + bytes, of: task.bytesOfAll };
  }
  tally.digests.settle();
  const identity = identityOf(stat);
  const part: SegmentPart = {
    bytes: end,
    sha256: hash.copy().digest('hex'),
    identity,
    hash,
    records,
    wrongLines,
    lostFrames,
    earliest: tally.earliest,
    latest: tally.latest,
    packed: packTally(tally),
  };
  const isSound = wrongLines === 0 && lostFrames === 0 && isAsRecorded(part, task.expected);
  const isWorthIt = end - from >= WORTH_A_SUMMARY || (from === 0 && end === Number(stat.size));
  if (isSound && isAll(range) && isWorthIt) {
    await writeSummary(folder, segment, { ...part, identity: settled(identity) }, modeOf(stat));
  }
  return { part, tally };
}

/** Whether it is what was committed, as far as that is known. */
function isAsRecorded(part: SegmentPart, expected: ExpectedSegment | null): boolean {
  if (expected === null || expected.sha256 === null || expected.bytes !== part.bytes) return true;
  return expected.sha256 === part.sha256;
}

function damageOf(
  { expected, end }: SegmentTask,
  name: string,
  size: number,
  part: SegmentPart,
): string[] {
  const damage: string[] = [];
  if (end !== null && size < end) {
    damage.push(`${name} is cut short: it has ${counted(size, 'byte')} of ${formatCount(end)}`);
  } else if (!isAsRecorded(part, expected)) {
    damage.push(`${name} is not what was recorded: its SHA-256 differs`);
  }
  const { lostFrames, wrongLines, records } = part;
  if (lostFrames > 0) damage.push(`${name}: ${counted(lostFrames, 'frame')} cannot be read`);
  if (wrongLines > 0) {
    damage.push(
      `${name}: ${counted(wrongLines, 'line')} of it ${wrongLines === 1 ? 'is' : 'are'} no record`,
    );
  }
  const committed = expected?.records ?? null;
  if (damage.length === 0 && committed !== null && committed !== records) {
    damage.push(
      `${name} holds ${counted(records, 'record')}, not the ${formatCount(committed)} that were recorded`,
    );
  }
  return damage;
}

function isAll({ since, before }: CountedRange): boolean {
  return since === -Infinity && before === Infinity;
}

function identityOf({ ino, size, mtimeNs, ctimeNs }: BigIntStats): FileIdentity {
  return { inode: ino, size, modified: mtimeNs, changed: ctimeNs };
}

function isSame(one: FileIdentity, other: FileIdentity): boolean {
  return (
    one.inode === other.inode &&
    one.size === other.size &&
    one.modified === other.modified &&
    one.changed === other.changed
  );
}

/** null where the file was changed just now. */
function settled(identity: FileIdentity): FileIdentity | null {
  const now = BigInt(Date.now()) * 1_000_000n;
  return now - identity.changed > RECENT_NS ? identity : null;
}

function modeOf({ mode }: BigIntStats): number {
  return Number(mode & 0o777n);
}
