import type { Outside } from '../outside.ts';
import { resultOf } from '../progress.ts';
import type { ListedCapture } from '../store.ts';
import { lookAtRecord } from '../verification/record-standing.ts';
import { DIGEST_DIGITS, severalDigests } from '../workloads/statement-search.ts';
import { tallyRequestOf } from './tally-request.ts';

/**
 * The ids of digests of a capture that are typed by how they begin, as far as its tally knows them; others stay as
 * they are. It counts what has no summary yet, so that nothing is printed of a digest that turns out to be two.
 * @throws AppError `invalid` for a beginning of several; `store_unusable` where nothing can be read.
 */
export async function meantDigests(
  outside: Outside,
  capture: ListedCapture,
  typed: readonly string[],
): Promise<readonly string[]> {
  const recording = outside.store.recordings.find(capture.id);
  const isShort = typed.some((digest) => digest.length < DIGEST_DIGITS);
  if (!isShort || recording === null) return typed;
  const workloads = await outside.workloads();
  const record = { capture, recording, folder: workloads.folderOf(capture.id) };
  const standing = await lookAtRecord(workloads, record);
  const counter = await workloads.openTally(capture.id);
  try {
    const request = tallyRequestOf(standing, recording, { since: null, until: null });
    const { tally, damage } = await resultOf(counter.count(request), () => undefined);
    const ids = [...new Set(tally.digests.map(({ digest }) => digest))].sort();
    // What is not listed, or could not be read, may begin like it.
    const isAll = tally.otherDigests.statements === 0 && damage.length === 0;
    return typed.map((digest) => meantBy(digest.toLowerCase(), ids, isAll));
  } finally {
    await counter.close();
  }
}

function meantBy(beginning: string, ids: readonly string[], isAll: boolean): string {
  const [first, second] = ids.filter((id) => id.startsWith(beginning));
  if (first === undefined || (second === undefined && !isAll)) return beginning;
  if (second === undefined) return first;
  throw severalDigests(beginning, first, second);
}
