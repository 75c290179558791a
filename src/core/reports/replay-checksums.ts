import type { ReplayReport } from '../replays/replay-report.ts';
import type { ChecksumComparison } from './replay-comparison.ts';

/**
 * Tables as two replays left them. Sums that differ say something only between servers of one kind and version line:
 * others store the same values in other bytes.
 */
export function compareChecksums(a: ReplayReport, b: ReplayReport): ChecksumComparison {
  const sums = new Map(a.result.checksums.map(({ table, checksum }) => [table, checksum]));
  const both = b.result.checksums.flatMap(({ table, checksum }) => {
    const before = sums.get(table);
    return before === undefined ? [] : [{ table, a: before, b: checksum }];
  });
  const isEqual = both.length > 0 && both.every((one) => one.a !== null && one.a === one.b);
  // Sums that are equal say so wherever they come from.
  const incomparable = isEqual ? null : whyNot(a, b, both.length);
  return {
    tables: both.length,
    other: incomparable === null ? both.filter((one) => one.a !== one.b || one.a === null) : [],
    incomparable,
  };
}

function whyNot(a: ReplayReport, b: ReplayReport, both: number): string | null {
  const without = [a, b].flatMap(({ result }, index) =>
    result.checksums.length === 0 ? ['AB'.charAt(index)] : [],
  );
  if (without.length > 0) {
    return without.length === 2
      ? 'neither replay summed its tables up'
      : `${without.join()} did not sum its tables up`;
  }
  if (both === 0) return 'A and B have no table in common';
  const lines = [a, b].map(({ replay: { target } }) =>
    target === null ? null : `${target.flavor} ${versionLine(target.version)}`,
  );
  const [one = null, other = null] = lines;
  if (one === null || other === null) return 'a server is not known';
  return one === other
    ? null
    : `sums of different servers differ for the same rows (${one}, ${other})`;
}

/** `10.11` of `10.11.6-log`. */
function versionLine(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
