import fc from '../support/properties.ts';
import { describe, expect, test } from 'vitest';
import {
  STATEMENT_FLAGS,
  STATEMENT_KINDS,
  type LoggedStatement,
} from '../../src/core/workloads/statements.ts';
import {
  LineSerialiser,
  parseStatementLine,
  statementLine,
} from '../../src/workload/statement-line.ts';
import { aStatement } from './statements.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '\0',
    '\x1b[2J',
    '\u202e',
    '😀',
    '"\\\n\r\t',
    '\ud800',
    '\u2028',
    '',
    '`',
    '\ufeff',
  ),
);

function shortTail(statement: LoggedStatement, serialiser = new LineSerialiser()): string {
  const tail = serialiser.tail(statement);
  if (typeof tail !== 'string') throw new Error('a long statement');
  return tail;
}

describe('a line of a workload', () => {
  test('has its fields in the documented order', () => {
    const line = statementLine(12, shortTail(aStatement()));
    expect(line).toBe(
      '{"seq":12,"time":"2026-11-22T02:00:00.000000Z","session":7,"user":"app","host":"10.0.0.5","db":"shop","kind":"query","sql":"SELECT 1"}\n',
    );
  });

  test('has bytes and flags only when they apply, after sql', () => {
    const bytes = Buffer.from([0x53, 0xff, 0x00]);
    const record = parseStatementLine(
      statementLine(1, shortTail(aStatement({ bytes, flags: ['lossy', 'echo'] }))),
    );
    expect(Object.keys(record).slice(-3)).toEqual(['sql', 'bytes', 'flags']);
    expect(record.bytes).toBe('U/8A');
    expect(record.flags).toEqual(['lossy', 'echo']);
  });

  test('says null for what is not known', () => {
    const tail = shortTail(aStatement({ user: null, host: null, db: null }));
    expect(tail).toContain('"user":null,"host":null,"db":null');
  });

  test('reads every statement back, whatever is in it, also when sessions change their place', () => {
    const serialiser = new LineSerialiser();
    fc.assert(
      fc.property(
        fc.record({
          session: fc.integer({ min: 0, max: 3 }),
          user: fc.option(anyText),
          host: fc.option(anyText),
          db: fc.option(anyText),
          kind: fc.constantFrom(...STATEMENT_KINDS),
          sql: anyText,
          bytes: fc.option(fc.uint8Array().map((bytes) => Buffer.from(bytes))),
          flags: fc.uniqueArray(fc.constantFrom(...STATEMENT_FLAGS)),
        }),
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        (about, seq) => {
          const line = statementLine(seq, shortTail(aStatement(about), serialiser));
          // Through bytes, as it goes to the file.
          const record = parseStatementLine(Buffer.from(line).toString());
          const { bytes, flags, ...rest } = aStatement(about);
          expect(record).toEqual({
            seq,
            ...rest,
            ...(bytes === null ? {} : { bytes: bytes.toString('base64') }),
            ...(flags.length === 0 ? {} : { flags }),
          });
          expect(line.indexOf('\n')).toBe(line.length - 1);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('is refused with a clear error when it is none', () => {
    expect(() => parseStatementLine('{"seq":1')).toThrow('a line is not JSON');
    expect(() => parseStatementLine('{"seq":1}')).toThrow('a line is not a statement');
    expect(() => parseStatementLine('null')).toThrow('a line is not a statement');
  });
});
