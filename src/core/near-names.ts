const SHORT = 4;

/** The names that a word may be a typing error for, the nearest only, three at most; most often none. */
export function nearNames(word: string, names: readonly string[]): string[] {
  const near = names.map((name) => ({ name, distance: slips(word, name) }));
  const least = near.reduce((smallest, { distance }) => Math.min(smallest, distance), Infinity);
  return near
    .filter(({ name, distance }) => distance === least && isNear(word, name, distance))
    .map(({ name }) => name)
    .slice(0, 3);
}

function isNear(typed: string, name: string, distance: number): boolean {
  if (distance >= Math.min(typed.length, name.length)) return false;
  return typed.length <= SHORT ? distance <= 1 && typed[0] === name[0] : distance <= 2;
}

/** How many letters are missing, too many, wrong or swapped with the next one. */
function slips(a: string, b: string): number {
  // A pasted megabyte is not a typing error.
  if (Math.abs(a.length - b.length) > 2) return Infinity;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          (last[j] ?? 0) + 1,
          (row[j - 1] ?? 0) + 1,
          (last[j - 1] ?? 0) + (isSame ? 0 : 1),
          isSwapped ? (before[j - 2] ?? 0) + 1 : Infinity,
        ),
      );
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
