import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Lexer } from '../../src/sql/lexer.ts';
import { TextScan } from '../../src/sql/text-scan.ts';

function scan(pieces: readonly string[]): TextScan {
  const scanned = new TextScan();
  for (const piece of pieces) scanned.push(Buffer.from(piece));
  return scanned;
}

/** The same however the text is cut. */
function scanInAllWays(text: string): TextScan {
  const whole = scan([text]);
  const cut = scan(Array.from(text));
  expect(cut).toMatchObject({
    hasPlaceholder: whole.hasPlaceholder,
    furtherStatements: whole.furtherStatements,
  });
  return whole;
}

test.each([
  ['SELECT 1', 0],
  ['SELECT 1; ', 0],
  ['SELECT 1;;; \n', 0],
  ['SELECT 1; SELECT 2', 1],
  ["SELECT ';', `;`, \";\", '\\';' ; SELECT '''; ' ; SELECT 3", 2],
  ['SELECT 1 /* ; */ -- ;\n # ;\n ; /* x */ SELECT 2', 1],
  ['SELECT 5--3; SELECT 2', 1],
  ['SELECT 1 -- ;', 0],
  ['SELECT 6/2; SELECT 2*/* ; */3', 1],
  ['/*!40000 SELECT 1; SELECT 2 */; -- x', 1],
])('%j has %i further statements', (text, further) => {
  expect(scanInAllWays(text).furtherStatements).toBe(further);
});

test.each([
  ['SELECT ?', true],
  ["SELECT '?', `?` /* ? */ -- ?", false],
  ["SELECT 'it\\'s ?', ?", true],
  ["INSERT INTO t VALUES ('a'), (?)", true],
  ['/*!40000 SELECT ? */', true],
])('%j has a placeholder: %s', (text, has) => {
  expect(scanInAllWays(text).hasPlaceholder).toBe(has);
});

test('says what the lexer says of the whole text, however it is cut', () => {
  const part = fc.constantFrom(
    ...["'", '"', '`', '\\', '?', ';', '-', '- ', '--', '#', '/', '*', '/*', '*/', '/*!', '/*M'],
    ...['!', '5', '50700', '\n', ' ', 'a', 'N', 'x', '(', ',', '.', '=', 'é'],
  );
  fc.assert(
    fc.property(fc.array(fc.array(part, { maxLength: 6 }), { maxLength: 8 }), (pieces) => {
      const texts = pieces.map((parts) => parts.join(''));
      // What is cut at the end of the text is known only by what would follow.
      const { hasPlaceholder, furtherStatements } = scan([...texts, '\n.']);
      const text = `${texts.join('')}\n.`;
      expect({ hasPlaceholder, furtherStatements }, text).toEqual(seenByLexer(text));
    }),
    { numRuns: 2000 },
  );
});

function seenByLexer(text: string): { hasPlaceholder: boolean; furtherStatements: number } {
  const lexer = new Lexer(text);
  let hasPlaceholder = false;
  let furtherStatements = 0;
  let isBetween = false;
  while (lexer.next()) {
    if (lexer.kind === 'space' || lexer.kind === 'comment') continue;
    hasPlaceholder ||= lexer.kind === 'placeholder';
    const isSemicolon = lexer.text === ';';
    if (isBetween && !isSemicolon) furtherStatements++;
    isBetween = isSemicolon;
  }
  return { hasPlaceholder, furtherStatements };
}
