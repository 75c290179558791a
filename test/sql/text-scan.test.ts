import { expect, test } from 'vitest';
import { TextScan } from '../../src/sql/text-scan.ts';

/** The same however the text is cut. */
function scan(text: string): TextScan {
  const bytes = Buffer.from(text);
  const whole = new TextScan();
  whole.push(bytes);
  const cut = new TextScan();
  for (let at = 0; at < bytes.length; at++) cut.push(bytes.subarray(at, at + 1));
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
])('%j has %i further statements', (text, further) => {
  expect(scan(text).furtherStatements).toBe(further);
});

test.each([
  ['SELECT ?', true],
  ["SELECT '?', `?` /* ? */ -- ?", false],
  ["SELECT 'it\\'s ?', ?", true],
  ["INSERT INTO t VALUES ('a'), (?)", true],
])('%j has a placeholder: %s', (text, has) => {
  expect(scan(text).hasPlaceholder).toBe(has);
});
