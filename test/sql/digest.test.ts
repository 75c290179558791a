import { expect, test } from 'vitest';
import { digestText } from '../../src/sql/digest.ts';
import fc from '../support/properties.ts';

/** Arbitrary text of what begins and ends literals, comments and lists, and of what stands between. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...[
          "'",
          '"',
          '`',
          '\\',
          '?',
          '(',
          ')',
          ',',
          ';',
          '.',
          '@',
          '-',
          '+',
          '*',
          '/',
          '#',
          '--',
          '-- ',
        ],
        ...[
          '/*',
          '*/',
          '/*+',
          '/*!',
          '/*!50700',
          '\n',
          ' ',
          '=',
          '<',
          '>',
          '!',
          ':',
          '|',
          '&',
          '{',
        ],
        ...[
          'N',
          'x',
          '_utf8',
          'DATE',
          'select',
          'FROM',
          'values',
          'ROW',
          'null',
          'TRUE',
          'IS',
          'not',
        ],
        ...[
          'interval',
          'day',
          'case',
          'end',
          'cast',
          'AS',
          'offset',
          'limit',
          'name',
          'count',
          'a',
          'b1',
        ],
        ...[
          '1',
          '0x1F',
          '1e5',
          '.5',
          '1st',
          '`a`',
          '`a b`',
          '`select`',
          '`1`',
          "'x'",
          '(1,2)',
          '(?+)',
        ],
        ...[
          'create',
          'table',
          'update',
          'set',
          'on',
          'duplicate',
          'key',
          'in',
          'é',
          '\xa0',
          '\\xA0',
        ],
      ),
      fc.string({ maxLength: 3 }),
    ),
    { maxLength: 40 },
  )
  .chain((parts) => fc.constantFrom(parts.join(''), parts.join(' ')));

test('a digest text is its own digest', () => {
  fc.assert(
    fc.property(text, (sql) => {
      const digest = digestText(sql);
      expect(digestText(digest)).toBe(digest);
    }),
    { numRuns: 3000 },
  );
});
