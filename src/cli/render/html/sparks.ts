/** Slices that are shown of a row: more would be narrower than two pixels. */
const SHOWN = 48;

/** Counts of equal slices as at most 48 rates, each the highest of its slices. @param width milliseconds of a slice. */
export function ratesOf(slices: readonly number[], width: number): number[] {
  const shown = Math.min(SHOWN, slices.length);
  const rates = new Array<number>(shown).fill(0);
  for (const [index, count] of slices.entries()) {
    const at = Math.floor((index * shown) / slices.length);
    rates[at] = Math.max(rates[at] ?? 0, (count * 1_000) / width);
  }
  return rates;
}

/**
 * Rates as text, a character each: `1` to `9`, blank for none. The highest is 9.
 * @param highest of all that are to be compared.
 */
export function sparkText(rates: readonly number[], highest: number): string {
  return rates
    .map((rate) => (rate > 0 && highest > 0 ? String(Math.ceil((rate / highest) * 9)) : ' '))
    .join('');
}

/** The highest of any number of rates; 0 where there is none. */
export function highestOf(...rates: readonly (readonly number[])[]): number {
  return rates.flat().reduce((highest, rate) => Math.max(highest, rate), 0);
}
