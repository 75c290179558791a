import { describe, expect, test } from 'vitest';
import { LONGEST_PIECE, LongSecrets } from '../../src/sql/long-secrets.ts';
import { redactSecrets } from '../../src/sql/secrets.ts';
import { CANARY, SECRET_FORMS } from './secret-forms.ts';

/** What of a text is let through, and whether the rest was held back. */
function through(text: string, pieceBytes = LONGEST_PIECE): { free: string; isCut: boolean } {
  const bytes = Buffer.from(text);
  const secrets = new LongSecrets(text.slice(0, 1000));
  let free = '';
  for (let at = 0; ; at += pieceBytes) {
    const isLast = at + pieceBytes >= bytes.length;
    const found = secrets.push(bytes.subarray(at, at + pieceBytes), isLast);
    free += found.free.toString();
    if (found.mayFollow || isLast) return { free, isCut: found.mayFollow };
  }
}

const FILLING = "(1, 'some text'), ".repeat(8_000);
const LARGE = `INSERT INTO t VALUES ${FILLING}`;

/** Forms that `redactSecrets` finds as they stand in the texts below. */
function formsIn(around: (form: string) => string): string[] {
  return SECRET_FORMS.map(around).filter((text) => redactSecrets(text)?.includes(CANARY) === false);
}

describe('of a long text, nothing is let through from a secret on', () => {
  test.each([
    ['the text itself', (form: string) => `${form} ${FILLING.slice(0, 2_000)}`],
    ['behind a semicolon', (form: string) => `SELECT 1; ${form}`],
    ['in a literal', (form: string) => `INSERT INTO t VALUES ('${form.replaceAll("'", "''")}')`],
    ['in an escaped literal', (form: string) => `INSERT INTO t VALUES (${JSON.stringify(form)})`],
  ])('when it is %s', (_, around) => {
    const forms = formsIn(around);
    expect(forms.length).toBeGreaterThan(20);
    for (const text of forms) expect(through(text).free, text).not.toContain(CANARY);
  });

  test('wherever the text is cut into pieces', () => {
    const secret = `${LARGE}; CREATE USER a IDENTIFIED /* c */ BY '${CANARY}'`;
    for (const size of [997, 4_096, 65_536]) {
      const { free, isCut } = through(secret, size);
      expect(isCut).toBe(true);
      expect(free.length).toBe(secret.indexOf('; CREATE'));
    }
  });
});

test.each([
  ["INSERT INTO users (name, password, identity) VALUES ('a', 'b', 'c')"],
  ["UPDATE users SET password = 'x', photo = 'y' WHERE identity = 4"],
  ["INSERT INTO t VALUES ('the president had an accident; his identity card was stolen')"],
  ["/* app */ INSERT INTO t VALUES ('encrypted')"],
])('%s is let through as a whole', (text) => {
  const long = text.replace('VALUES', `VALUES ${FILLING}`);
  const { free, isCut } = through(long);
  expect({ length: free.length, isCut }).toEqual({ length: long.length, isCut: false });
});

test.each([['password'], ['ident'], ['password\\'], ['ident('], ['; set '], ['@']])(
  'a text of nothing but %j takes no longer than its length',
  (part) => {
    // The limit of a test is enough for a million steps, and not for their square.
    const text = `INSERT INTO t VALUES ('${part.repeat(1_000_000 / part.length)}')`;
    expect(through(text).free.length).toBeLessThanOrEqual(text.length);
  },
);
