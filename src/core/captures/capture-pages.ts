import type { Capture } from './capture.ts';
import { nameKey } from '../names.ts';
import type { CaptureFilter, CaptureOrder, CaptureTable, ListedCapture } from '../store.ts';

// Rows of one page, over all environments together: memory stays small, and a page takes a few
// milliseconds.
const ROWS_HELD = 5_000;
const SMALLEST_PAGE = 100;

type SortKey = number | string | null;

const SORT_KEYS: Record<CaptureOrder, (capture: Capture) => SortKey> = {
  created: ({ id }) => id,
  name: ({ name }) => nameKey(name),
  start: ({ start, scheduledStart }) => start ?? scheduledStart,
  end: ({ end, scheduledEnd }) => end ?? scheduledEnd,
};

/** What a capture is ordered by, as the store's index has it. */
export function sortKey(order: CaptureOrder, capture: Capture): SortKey {
  return SORT_KEYS[order](capture);
}

/** The order of a list: by key, nothing before everything, and by id where keys are equal. */
export function compareCaptures(order: CaptureOrder, one: Capture, other: Capture): number {
  return compareKeys(sortKey(order, one), sortKey(order, other)) || one.id - other.id;
}

/** As the store orders them: text by its UTF-8 bytes. */
function compareKeys(one: SortKey, other: SortKey): number {
  if (one === other) return 0;
  if (one === null) return -1;
  if (other === null) return 1;
  if (typeof one === 'string' && typeof other === 'string') {
    return Buffer.compare(Buffer.from(one), Buffer.from(other));
  }
  return one < other ? -1 : 1;
}

/**
 * Every capture that a filter lets through, in its order, read page by page: a million of them need
 * no more memory than a thousand, and no transaction stays open while they are printed.
 */
export function* walkCaptures(
  table: Pick<CaptureTable, 'list'>,
  filter: Omit<CaptureFilter, 'limit'>,
): Generator<ListedCapture> {
  const { environmentIds, order, descending } = filter;
  const pageSize = Math.max(
    SMALLEST_PAGE,
    Math.ceil(ROWS_HELD / Math.max(environmentIds.length, 1)),
  );
  const sign = descending ? -1 : 1;
  const sources = environmentIds.map((environmentId) =>
    walkOne(table, { ...filter, environmentIds: [environmentId], limit: pageSize }),
  );
  const heads = sources.map((source) => source.next());
  for (;;) {
    let first: { capture: ListedCapture; index: number } | null = null;
    for (const [index, head] of heads.entries()) {
      if (head.done === true) continue;
      const isFirst =
        first === null || sign * compareCaptures(order, head.value, first.capture) < 0;
      if (isFirst) first = { capture: head.value, index };
    }
    if (first === null) return;
    yield first.capture;
    const source = sources[first.index];
    if (source !== undefined) heads[first.index] = source.next();
  }
}

function* walkOne(
  table: Pick<CaptureTable, 'list'>,
  filter: CaptureFilter & { readonly limit: number },
): Generator<ListedCapture, undefined> {
  let page = table.list(filter);
  for (;;) {
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < filter.limit) return;
    page = table.list(filter, last);
  }
}
