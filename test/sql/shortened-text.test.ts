import { describe, expect, it } from 'vitest';
import { digestText } from '../../src/sql/digest.ts';
import { ShortenedText } from '../../src/sql/shortened-text.ts';
import fc from '../support/properties.ts';

function shortened(pieces: readonly string[]): string {
  const text = new ShortenedText();
  for (const piece of pieces) text.push(piece);
  return text.text();
}

const PARTS = [
  'SELECT ',
  'a',
  '`b c`',
  ' = ',
  "'a long literal, with a ; in it'",
  "'it''s'",
  "'back\\'slash\\\\'",
  '"double ""quoted"" text"',
  "N'national text'",
  "_utf8mb4'introduced text'",
  "x'41424344454647'",
  '0x4142434445464748',
  "b'0101010101'",
  '123456789012345678901234567890',
  '-1.5e10',
  ', ',
  '(',
  ')',
  "/* a comment with a ' in it */",
  '/*+ MAX_EXECUTION_TIME(1000) */',
  '/*!50700 FORCE INDEX (x) */',
  '-- to the end\n',
  '# to the end\n',
  ' IN (1, 2, 3)',
  " VALUES (1, 'xxxxxxxxxxxxxx'), (2, 'y')",
  'né',
  '?',
  ';',
  '-',
  '/',
  '*',
  "'",
  '\\',
];

describe('a shortened text', () => {
  it('has the digest of the whole, however it is cut', () => {
    const aText = fc.array(fc.constantFrom(...PARTS), { maxLength: 25 }).map((all) => all.join(''));
    fc.assert(
      fc.property(aText, fc.array(fc.nat(400), { maxLength: 6 }), (sql, cuts) => {
        const ends = [...cuts.filter((at) => at < sql.length), sql.length];
        const pieces = ends.sort((a, b) => a - b).map((end, i) => sql.slice(ends[i - 1] ?? 0, end));
        expect(digestText(shortened(pieces))).toBe(digestText(sql));
      }),
      { numRuns: 500 },
    );
  });

  it('is small whatever is in the text, and keeps what comes behind a million rows', () => {
    const rows = (count: number): string =>
      Array.from({ length: count }, (_, i) => `(${i}, 'row ${i}')`).join(', ');
    const before = 'INSERT INTO t (a, b) VALUES ';
    const behind = ' ON DUPLICATE KEY UPDATE b = VALUES(b)';
    const many = rows(40_000);
    const text = new ShortenedText();
    text.push(before);
    for (let i = 0; i < 3; i++) text.push(i === 0 ? many : `, ${many}`);
    text.push(behind);
    const result = text.text();
    expect(result.length).toBeLessThan(3 * 1024 * 1024);
    expect(digestText(result)).toBe(digestText(before + rows(2) + behind));
    for (const endless of ["'", '`', '/*', '--', '0x', '1', 'a', ' ', '(', '/*!']) {
      const hostile = new ShortenedText();
      const piece = endless.at(-1)?.repeat(128 * 1024) ?? '';
      hostile.push(`SELECT ${endless}`);
      for (let i = 0; i < 2; i++) hostile.push(piece);
      expect(hostile.text().length).toBeLessThan(3 * 1024 * 1024);
    }
  });
});
