import { isDeepStrictEqual } from 'node:util';
import type { ListedCapture } from '../store.ts';
import type { Damage, Manifest, WorkloadCounts } from '../workloads/workload.ts';
import type { committedOf } from '../workloads/committed.ts';
import type { CountedRows } from './server-counters.ts';

type Committed = ReturnType<typeof committedOf>;

/** What a manifest counts otherwise than its files hold. */
export function miscounted(said: WorkloadCounts, counted: WorkloadCounts): Damage[] {
  const damage: Damage[] = [];
  for (const name of ['records', 'statements', 'sessions'] as const) {
    if (said[name] !== counted[name]) {
      damage.push(wrong(`says ${said[name]} ${name}, the files hold ${counted[name]}`));
    }
  }
  for (const group of ['byKind', 'byFlag'] as const) {
    for (const [name, count] of Object.entries(counted[group])) {
      const claimed = (said[group] as Partial<Record<string, number>>)[name] ?? 0;
      if (claimed !== count) {
        const what = `records ${group === 'byKind' ? 'of kind' : 'flagged'} ${name}`;
        damage.push(wrong(`says ${claimed} ${what}, the files hold ${count}`));
      }
    }
  }
  // An older version did not count them.
  if (said.values !== undefined && !isDeepStrictEqual(said.values, counted.values)) {
    damage.push(wrong('counts other executes with and without values than the files hold'));
  }
  return damage;
}

/** Fields that are told from the text, which a redaction may have changed. */
const FROM_TEXT: ReadonlySet<string> = new Set([
  'parts',
  'doubtfulParts',
  'unescapedParts',
  'sets',
]);

/** The rows that were counted are those that are recorded and those that were left out. */
export function otherRows(
  said: CountedRows,
  counted: CountedRows,
  { skipped, byFlag }: WorkloadCounts,
  manifest: Manifest | null,
): Damage[] {
  // An older version did not count all of them, and not all in the same way.
  if (said.statements === undefined) return [];
  const hasLeftOut = Object.values(skipped).some((rows) => rows > 0);
  // An older version read texts otherwise.
  const isReadAlike = said.unescapedParts !== undefined;
  const isRedacted = byFlag.redacted > 0 || (manifest?.options?.redact ?? null) !== null;
  return Object.entries(counted).flatMap(([name, count]) => {
    const claimed = said[name as keyof CountedRows];
    if ((isRedacted || !isReadAlike) && FROM_TEXT.has(name)) return [];
    return claimed === count || (hasLeftOut && (claimed ?? 0) > count)
      ? []
      : [wrong(`says that ${claimed} ${name} were logged, the files hold ${count}`)];
  });
}

/** The manifest against the store's own row: both were written by the recorder. */
export function contradictions(
  manifest: Manifest,
  { position, counters, facts }: Committed,
  capture: ListedCapture | null,
): Damage[] {
  const damage: Damage[] = [];
  if (capture === null) return damage;
  const id = facts?.imported?.captureId ?? capture.id;
  if (manifest.capture.id !== id) {
    damage.push(wrong(`is that of capture ${manifest.capture.id}, not of ${id}`));
  }
  if (!manifest.complete) damage.push(wrong('says that it is not complete; the capture is DONE'));
  const last = manifest.segments.at(-1);
  if (
    position !== null &&
    (last?.sha256 ?? null) !== (position.offset > 0 ? position.sha256 : null)
  ) {
    damage.push(wrong('ends with another segment than the store says'));
  }
  if (counters !== null) {
    const names = Object.keys(manifest.counters) as (keyof WorkloadCounts)[];
    if (!names.every((name) => isDeepStrictEqual(manifest.counters[name], counters[name]))) {
      damage.push(wrong('has other counters than the store'));
    }
  }
  if (counters?.heard !== undefined && !isDeepStrictEqual(manifest.heard, counters.heard)) {
    damage.push(wrong('says that other statements were logged than the store'));
  }
  if (facts === null) return damage;
  for (const name of ['start', 'end', 'gaps', 'warnings'] as const) {
    if (!isDeepStrictEqual(manifest[name], facts[name])) {
      damage.push(wrong(`has another "${name}" than the store`));
    }
  }
  return damage;
}

function wrong(what: string): Damage {
  return { segment: null, what: `the manifest ${what}` };
}
