import { columnRates, type DrawnWindow } from './slice-rates.ts';

/** More columns than that would be narrower than two pixels. */
const COLUMNS = 48;

/** Counts of slices as rates of so many columns that a small picture has. @param window null for none. */
export function sparkRates(slices: readonly number[], window: DrawnWindow | null): number[] {
  return window === null ? [] : columnRates(slices, window, Math.min(COLUMNS, window.axis.count));
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
