/** How much of what a report has goes into its page, so that the page stays small enough to be mailed. */
export interface Cut {
  /** Characters of a statement in a table. */
  readonly inTable: number;
  /** Characters of a statement, and of an example, in an opened row. */
  readonly inDetail: number;
  /** Users, hosts and tables of a row. */
  readonly names: number;
  /** Characters of each of them. */
  readonly inName: number;
  /** Rows of each table but the first. */
  readonly rows: number;
}

/** From the most to the least: the first with which the page has room is taken. */
const CUTS: readonly Cut[] = [
  { inTable: 200, inDetail: 5_000, names: 16, inName: 80, rows: 100 },
  { inTable: 160, inDetail: 2_000, names: 16, inName: 80, rows: 100 },
  { inTable: 140, inDetail: 1_000, names: 12, inName: 80, rows: 50 },
  { inTable: 120, inDetail: 500, names: 8, inName: 64, rows: 50 },
  { inTable: 100, inDetail: 350, names: 4, inName: 48, rows: 50 },
  { inTable: 100, inDetail: 250, names: 4, inName: 48, rows: 30 },
  { inTable: 80, inDetail: 180, names: 3, inName: 32, rows: 30 },
  { inTable: 60, inDetail: 120, names: 3, inName: 32, rows: 20 },
  { inTable: 40, inDetail: 60, names: 2, inName: 24, rows: 20 },
  { inTable: 20, inDetail: 20, names: 1, inName: 12, rows: 10 },
  { inTable: 10, inDetail: 10, names: 1, inName: 6, rows: 5 },
];

/**
 * Draws with the most that fits into so many bytes, or with the least there is. Most pages fit at once; for
 * the others a page is drawn four times more at most.
 */
export function drawWithin(bytes: number, draw: (cut: Cut) => string): string {
  let page = '';
  let low = 0;
  let high = CUTS.length - 1;
  for (let at = 0; low <= high; at = (low + high) >> 1) {
    const cut = CUTS[at];
    if (cut === undefined) break;
    const drawn = draw(cut);
    if (Buffer.byteLength(drawn) <= bytes || at === CUTS.length - 1) {
      page = drawn;
      high = at - 1;
    } else {
      low = at + 1;
    }
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
