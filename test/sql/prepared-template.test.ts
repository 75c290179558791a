import { describe, expect, it } from 'vitest';
import type { BoundValue } from '../../src/core/replays/target.ts';
import { sentBytes } from '../../src/sql/logged-bytes.ts';
import { PreparedTemplate } from '../../src/sql/prepared-template.ts';

const integer = (text: string): BoundValue => ({ type: 'integer', text });
const double = (text: string): BoundValue => ({ type: 'double', text });
const text = (value: string | Uint8Array): BoundValue => ({ type: 'text', text: value });
const bytes = (...all: number[]): BoundValue => text(Buffer.from(all));

describe('a value in the text of an execute', () => {
  // As MariaDB 10.11 and 11.8 and MySQL 9.7 and 5.6 logged them.
  it.each<[string, BoundValue]>([
    ['-1', integer('-1')],
    ['18446744073709551615', integer('18446744073709551615')],
    ['-9223372036854775808', integer('-9223372036854775808')],
    ['1.5', double('1.5')],
    ['0.10000000149011612', double('0.10000000149011612')],
    ['1e300', double('1e300')],
    ['5e-324', double('5e-324')],
    ['1e20', double('1e20')],
    ['-0', integer('-0')],
    ['123.450', text('123.450')],
    ['12345678901234567890.5', text('12345678901234567890.5')],
    ['NULL', null],
    ["'plain'", text('plain')],
    ["''", text('')],
    ["'it\\'s \\\"q\\\" \\\\ back'", text(`it's "q" \\ back`)],
    ["'a\\nb\\r\tc\\0d\\Ze'", text('a\nb\r\tc\0d\x1ae')],
    ["'😀é'", text('😀é')],
    ["'a ? b'", text('a ? b')],
    ["'\\\\%\\\\_'", text('\\%\\_')],
    ['\'{\\"a\\":\\"b\\\\\\"c\\"}\'', text('{"a":"b\\"c"}')],
    ["DATE'2026-11-30'", text('2026-11-30')],
    ["TIMESTAMP'2026-11-30 01:02:03.004567'", text('2026-11-30 01:02:03.004567')],
    ["TIME'-26:03:04'", text('-26:03:04')],
    ["'2026-11-30 01:02:03.000000'", text('2026-11-30 01:02:03.000000')],
    ["X'E9275CBF5C'", bytes(0xe9, 0x27, 0x5c, 0xbf, 0x5c)],
    ['0xE9275CBF5C', bytes(0xe9, 0x27, 0x5c, 0xbf, 0x5c)],
    ["X''", bytes()],
    // MariaDB: in utf8mb4 escaped once more, in latin1 not.
    ["'a\\\\xFF\\'\\\\\\0\\\\xFEb'", bytes(0x61, 0xff, 0x27, 0x5c, 0, 0xfe, 0x62)],
    ["'\\xE9\\'\\\\\\xBF\\\\'", bytes(0xe9, 0x27, 0x5c, 0xbf, 0x5c)],
    // MySQL 5.6, whose log has characters of three bytes at most.
    ["'\\xF0\\x9F\\x98\\x80'", text(Buffer.from('😀'))],
  ])('%s', (logged, value) => {
    const template = new PreparedTemplate('SELECT ?, a FROM t WHERE b = ?');
    const values = template.valuesOf(`SELECT ${logged}, a FROM t WHERE b = ${logged}`);
    expect(values?.map(plain)).toEqual([plain(value), plain(value)]);
  });
});

it('values are found among comments, literals and names that have question marks', () => {
  const template = new PreparedTemplate(
    "  SELECT /* ? */ '?', \"?\", `a?`.x, ? -- ?\n, ?+?, 'it''s \\' ?' FROM `a?`  ;  ",
  );
  expect(template.placeholders).toBe(3);
  expect(
    template.valuesOf(
      "SELECT /* ? */ '?', \"?\", `a?`.x, -5 -- ?\n, 'a\\'b'+7, 'it''s \\' ?' FROM `a?`",
    ),
  ).toEqual([integer('-5'), text("a'b"), integer('7')]);
});

it('a minus before a placeholder and one of the value are two', () => {
  expect(new PreparedTemplate('SELECT -?,?').valuesOf('SELECT --5,-1')).toEqual([
    integer('-5'),
    integer('-1'),
  ]);
});

it.each([
  ['SELECT ?', 'SELECT ?'],
  ['SELECT ?', 'SELECT a'],
  ['SELECT ?', 'SELECT 1, 2'],
  ['SELECT ?', 'SELECT 1 '.padEnd(20, 'x')],
  ['SELECT ?', "SELECT 'open"],
  ['SELECT ? FROM t', 'SELECT 1 FROM u'],
  ['SELECT ?, ?', 'SELECT 1'],
  ['SELECT 1', 'SELECT 2'],
  ['SELECT ?', ''],
])('%j is not what %j executes', (prepared, executed) => {
  const template = new PreparedTemplate(prepared);
  expect(template.valuesOf(executed)).toBeNull();
  expect(template.matches(executed)).toBe(false);
});

it('a text without placeholders is executed without values', () => {
  expect(new PreparedTemplate('SELECT 1 ').valuesOf('SELECT 1')).toEqual([]);
});

it('where no backslash escapes, quotes are doubled', () => {
  const template = new PreparedTemplate("INSERT INTO t VALUES ('\\', ?, ?)");
  const executed = "INSERT INTO t VALUES ('\\', 'C:\\', 'it''s')";
  expect(template.valuesOf(executed)).toEqual([text('C:\\'), text("it's")]);
  expect(new PreparedTemplate('SELECT ?', 'never').valuesOf("SELECT 'a\\nb'")).toEqual([
    text('a\\nb'),
  ]);
});

it('of a text in bytes, texts are bytes', () => {
  const template = new PreparedTemplate("SELECT 'é', ?, ?");
  const executed = Buffer.concat([
    Buffer.from("SELECT 'é', '"),
    Buffer.from([0x5c, 0xe9, 0xff, 0x5c, 0x27]),
    Buffer.from("', 5"),
  ]);
  expect(template.valuesOf(executed)?.map(plain)).toEqual([
    plain(bytes(0xe9, 0xff, 0x27)),
    integer('5'),
  ]);
});

it('any text is an execute of one or not, in a time that grows with its length', () => {
  const template = new PreparedTemplate('SELECT ?, ?');
  for (const piece of ["'", "\\'", '\\', '1', "''", "'a', ", '?']) {
    expect(() => template.valuesOf(`SELECT '${piece.repeat(500_000)}`)).not.toThrow();
  }
  const long = "x\\'".repeat(300_000);
  expect(template.valuesOf(`SELECT '${long}', 1`)?.[0]).toEqual(text("x'".repeat(300_000)));
});

describe('bytes that were logged as text', () => {
  const latin1 = (value: string) => Buffer.from(value, 'latin1');
  it.each<[string, boolean, Buffer | null]>([
    ["SELECT 'plain'", false, null],
    ["SELECT '\\\\xFF'", false, null],
    ["SELECT 'caf\\xE9'", false, latin1("SELECT 'caf\xe9'")],
    ['SELECT \\xE9 FROM t', false, latin1('SELECT \xe9 FROM t')],
    ["SELECT 'a\\\\\\xFFb'", false, latin1("SELECT 'a\\\\\xffb'")],
    ["SELECT '\\0\\\\xFF'", false, latin1("SELECT '\\0\\\xff'")],
    ["SELECT '\\\\xFF'", true, latin1("SELECT '\\\xff'")],
    ["SELECT 'é\\xFF'", false, Buffer.concat([Buffer.from("SELECT 'é"), latin1("\xff'")])],
  ])('%j (an execute: %s)', (sql, isExecute, expected) => {
    const sent = sentBytes(sql, isExecute);
    expect(sent === null ? null : Buffer.from(sent)).toEqual(expected);
  });
});

/** Bytes in digits, so that arrays of any kind are equal. */
function plain(value: BoundValue): BoundValue | string {
  if (value === null || typeof value.text === 'string') return value;
  return Buffer.from(value.text).toString('hex');
}
