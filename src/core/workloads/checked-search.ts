import type { Outside } from '../outside.ts';
import type { ListedCapture } from '../store.ts';
import { committedFacts } from './committed.ts';
import type { StatementSearch } from './statement-search.ts';

/**
 * A search of a capture's statements with digests by their whole ids, where they are known: so nothing is done with
 * one that turns out to be two.
 * @param isFollowed whether the capture is followed, and may begin later.
 * @throws AppError `invalid` for a time outside of its window, which is a mistake (of the day perhaps) that nothing
 *   found would not tell, and for a beginning of several digests; `store_unusable` where nothing can be read.
 */
export async function checkedSearch(
  outside: Outside,
  capture: ListedCapture,
  search: StatementSearch,
  isFollowed: boolean,
): Promise<StatementSearch> {
  await checkTimes(outside, capture, search, isFollowed);
  if (search.digests.length === 0) return search;
  const { meantDigests } = await import('../reports/meant-digests.ts');
  return { ...search, digests: await meantDigests(outside, capture, search.digests) };
}

async function checkTimes(
  { store, clock }: Outside,
  capture: ListedCapture,
  { since, until }: StatementSearch,
  isFollowed: boolean,
): Promise<void> {
  if (since === null && until === null) return;
  const { edgesOf, checkWithin } = await import('../reports/report-window.ts');
  const edges = edgesOf(capture, committedFacts(store.recordings.find(capture.id)));
  const from = isFollowed && edges.isOpen ? null : since;
  checkWithin(edges, { since: from, until }, clock.now());
}
