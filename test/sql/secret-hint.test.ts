import fc from '../support/properties.ts';
import { expect, test } from 'vitest';
import { mayHoldSecret, SecretHint } from '../../src/sql/secret-hints.ts';
import { statementsWithSecrets } from './secret-grammar.ts';

test.each(['mariadb', 'mysql'] as const)(
  'a text of %s that comes in pieces is looked at where the whole would be',
  (family) => {
    fc.assert(
      fc.property(statementsWithSecrets(family), fc.integer({ min: 65, max: 200 }), (sql, size) => {
        const text = `INSERT INTO t VALUES (${'1, '.repeat(100)}1); ${sql}`;
        const hint = new SecretHint(text.slice(0, size));
        for (let at = 0; at < text.length; at += size) hint.push(text.slice(at, at + size));
        expect(hint.mayHold).toBe(mayHoldSecret(text));
        expect(hint.mayHold).toBe(true);
      }),
      { numRuns: 500 },
    );
  },
);

test('a text without a word that comes before secrets is none', () => {
  const hint = new SecretHint('INSERT INTO t VALUES (1), ');
  for (let i = 0; i < 1000; i++) hint.push("('some text', 4711), ");
  expect(hint.mayHold).toBe(false);
});
