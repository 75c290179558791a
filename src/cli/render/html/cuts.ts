/** How much of what a report has goes into its page, so that the page stays small enough to be mailed. */
export interface Cut {
  /** Characters of a statement in a table. */
  readonly inTable: number;
  /** Characters of a statement, and of an example, in an opened row. */
  readonly inDetail: number;
  /** Users, hosts and tables of a row. */
  readonly names: number;
}

/** From the most to the least: the first with which the page has room is taken. */
const CUTS: readonly [Cut, ...Cut[]] = [
  { inTable: 200, inDetail: 5_000, names: 16 },
  { inTable: 160, inDetail: 2_000, names: 16 },
  { inTable: 140, inDetail: 1_000, names: 12 },
  { inTable: 120, inDetail: 500, names: 8 },
  { inTable: 100, inDetail: 250, names: 4 },
  { inTable: 80, inDetail: 120, names: 3 },
  { inTable: 60, inDetail: 60, names: 2 },
  { inTable: 30, inDetail: 30, names: 1 },
];

/** Draws with ever less until it fits into so many bytes, or there is no less. */
export function drawWithin(bytes: number, draw: (cut: Cut) => string): string {
  let page = '';
  for (const cut of CUTS) {
    page = draw(cut);
    if (Buffer.byteLength(page) <= bytes) break;
  }
  return page;
}

/** At most so many characters of a text, of which the last says that there is more. */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  // Not between the halves of a character.
  const start = text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '');
  return start.endsWith('…') ? start : `${start}…`;
}
