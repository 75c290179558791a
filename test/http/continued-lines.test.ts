import { describe, expect, it } from 'vitest';
import { ContinuedLines } from '../../src/http/client/continued-lines.ts';
import fc from '../support/properties.ts';

const LINES = Array.from(
  { length: 12 },
  (_, n) => `{"seq":${n * 7 + 1},"sql":"${'é'.repeat((n * 13) % 90)}"}\n`,
);

describe('lines that are cut short', () => {
  it('are each there once, wherever answers and their pieces end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 200 }),
        (answers, size) => {
          const lines = new ContinuedLines(null);
          const got: Buffer[] = [];
          for (const length of [...answers, Infinity]) {
            lines.begin();
            const rest = LINES.filter((_, n) => n * 7 + 1 > (lines.last ?? 0)).join('');
            const answer = Buffer.from(rest).subarray(0, length);
            for (let at = 0; at < answer.length; at += size) {
              got.push(Buffer.from(lines.added(answer.subarray(at, at + size))));
            }
          }
          expect(Buffer.concat(got).toString()).toBe(LINES.join(''));
          expect([lines.last, lines.count]).toEqual([78, LINES.length]);
        },
      ),
    );
  });
});
