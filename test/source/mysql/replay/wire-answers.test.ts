import { describe, expect, test } from 'vitest';
import { AnswerReader, type AnswerKind } from '../../../../src/source/mysql/replay/wire-answers.ts';
import { packet, refusal } from '../../../support/fake-server.ts';

interface Read {
  readonly code: number;
  readonly message: string;
  readonly rows: number;
  readonly changed: number;
  readonly statement: number;
  readonly placeholders: number;
  readonly isInTransaction: boolean | null;
}

const NOTHING: Read = {
  code: 0,
  message: '',
  rows: 0,
  changed: 0,
  statement: 0,
  placeholders: 0,
  isInTransaction: false,
};

/** Reads answers, each of its kind, out of bytes that come in these pieces. */
function read(pieces: readonly Buffer[], ...kinds: readonly AnswerKind[]): Read[] {
  const found: Read[] = [];
  const asked: number[] = [];
  const reader = new AnswerReader({
    answered: () => {
      const { code, message, rows, changed, statement, placeholders, isInTransaction } = reader;
      found.push({ code, message, rows, changed, statement, placeholders, isInTransaction });
      reader.expect(kinds[found.length] ?? 'result');
    },
    askedForFile: (sequence) => asked.push(sequence),
  });
  reader.expect(kinds[0] ?? 'result');
  for (const piece of pieces) reader.push(piece);
  expect(asked).toEqual([]);
  return found;
}

function ok(sequence: number, changed: readonly number[], status: number, text = ''): Buffer {
  const head = Buffer.from([0, ...changed, 0, status & 0xff, status >> 8, 0, 0]);
  return packet(sequence, Buffer.concat([head, Buffer.from(text)]));
}

function end(sequence: number, status: number): Buffer {
  return packet(sequence, Buffer.from([0xfe, 0, 0, status & 0xff, status >> 8]));
}

/** A result of one column with these rows; its numbers begin there. */
function result(sequence: number, rows: readonly Buffer[], status: number): Buffer {
  const column = Buffer.from('\x03def\0\0\0\x01x\0\x0c\x3f\0\x01\0\0\0\x08\x81\0\0\0\0', 'latin1');
  return Buffer.concat([
    packet(sequence, Buffer.from([1])),
    packet(sequence + 1, column),
    end(sequence + 2, status),
    ...rows.map((row, at) => packet((sequence + 3 + at) & 0xff, row)),
    end((sequence + 3 + rows.length) & 0xff, status),
  ]);
}

const MORE = 8;
const IN_TRANSACTION = 1;
const TEXT_ROW = Buffer.from('\x01a', 'latin1');
/** Begins as an OK does. */
const BINARY_ROW = Buffer.from([0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
/** Begins as an end does: its first value is longer than 16 MiB. */
const HUGE_ROW = Buffer.concat([Buffer.from([0xfe, 1, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('x')]);
const EMPTY_ROW = Buffer.from([0]);

const ANSWERS: readonly {
  readonly what: string;
  readonly bytes: Buffer;
  readonly kinds?: readonly AnswerKind[];
  readonly expected: readonly Partial<Read>[];
}[] = [
  { what: 'a statement without rows', bytes: ok(1, [5], 0), expected: [{ changed: 5 }] },
  {
    what: 'a statement that says much of itself',
    bytes: ok(1, [2], IN_TRANSACTION, 'Rows matched: 2  Changed: 2  Warnings: 0'.repeat(5)),
    expected: [{ changed: 2, isInTransaction: true }],
  },
  {
    what: 'counts of two, three and eight bytes',
    bytes: Buffer.concat([
      ok(1, [0xfc, 0, 1], 0),
      ok(1, [0xfd, 1, 0, 1], 0),
      ok(1, [0xfe, 0, 0, 0, 0, 1, 0, 0, 0], 0),
      ok(1, [0xfe, 255, 255, 255, 255, 255, 255, 255, 255], 0),
    ]),
    expected: [{ changed: 256 }, { changed: 65_537 }, { changed: 2 ** 32 }, { changed: 0 }],
  },
  {
    what: 'rows of texts, of binary values, of long and of empty ones',
    bytes: result(1, [TEXT_ROW, BINARY_ROW, HUGE_ROW, EMPTY_ROW], IN_TRANSACTION),
    expected: [{ rows: 4, isInTransaction: true }],
  },
  {
    what: 'more rows than packets have numbers',
    bytes: result(
      1,
      Array.from({ length: 600 }, () => TEXT_ROW),
      0,
    ),
    expected: [{ rows: 600 }],
  },
  {
    what: 'several results, and what follows them',
    bytes: Buffer.concat([
      result(1, [TEXT_ROW, TEXT_ROW], MORE),
      ok(7, [3], MORE),
      result(8, [TEXT_ROW], MORE),
      ok(13, [4], 0),
      ok(1, [1], 0),
    ]),
    expected: [{ rows: 3, changed: 7 }, { changed: 1 }],
  },
  {
    what: 'an error in the place of a result, among its rows, and behind one',
    bytes: Buffer.concat([
      refusal(1, 1064, 'You have an error'),
      result(1, [TEXT_ROW], 0).subarray(0, -9),
      refusal(5, 1317, 'Interrupted'),
      ok(1, [2], MORE),
      refusal(2, 1146, 'None'),
      ok(1, [0], 0),
    ]),
    expected: [
      { code: 1064, message: 'You have an error', isInTransaction: null },
      { code: 1317, message: 'Interrupted', rows: 1, isInTransaction: null },
      { code: 1146, message: 'None', changed: 2, isInTransaction: null },
      {},
    ],
  },
  {
    what: 'an error whose text is longer than what is looked at',
    bytes: Buffer.concat([refusal(1, 1064, 'x'.repeat(5_000)), ok(1, [1], 0)]),
    expected: [{ code: 1064, message: 'x'.repeat(1_015), isInTransaction: null }, { changed: 1 }],
  },
  {
    what: 'statements that were prepared, with and without values and columns',
    kinds: ['prepared', 'result', 'prepared', 'prepared', 'prepared'],
    bytes: Buffer.concat([
      prepared(1, 7, 1, 2),
      packet(2, Buffer.from('\x03def?')),
      packet(3, Buffer.from('\x03def?')),
      end(4, IN_TRANSACTION),
      packet(5, Buffer.from('\x03defx')),
      end(6, IN_TRANSACTION),
      ok(1, [1], 0),
      prepared(1, 8, 0, 0),
      prepared(1, 0x01020304, 1, 0),
      packet(2, Buffer.from('\x03defx')),
      end(3, 0),
      refusal(1, 1064, 'No'),
    ]),
    expected: [
      { statement: 7, placeholders: 2, isInTransaction: true },
      { changed: 1 },
      { statement: 8, isInTransaction: null },
      { statement: 0x01020304 },
      { code: 1064, message: 'No', isInTransaction: null },
    ],
  },
  { what: 'an option that is set', bytes: end(1, 2), expected: [{}] },
];

function prepared(sequence: number, id: number, columns: number, values: number): Buffer {
  const payload = Buffer.alloc(12);
  payload.writeUInt32LE(id, 1);
  payload.writeUInt16LE(columns, 5);
  payload.writeUInt16LE(values, 7);
  return packet(sequence, payload);
}

describe('answers', () => {
  test.each(ANSWERS)('$what, cut at every byte', ({ bytes, kinds = [], expected }) => {
    const wanted = expected.map((one) => ({ ...NOTHING, ...one }));
    expect(read([bytes], ...kinds)).toEqual(wanted);
    for (let at = 1; at < bytes.length; at++) {
      expect(read([bytes.subarray(0, at), bytes.subarray(at)], ...kinds)).toEqual(wanted);
    }
    for (const size of [1, 2, 3, 5]) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
      expect(read(pieces, ...kinds)).toEqual(wanted);
    }
  });

  test('a row of a gigabyte is counted, and nothing of it is kept', () => {
    const found: number[] = [];
    const reader = new AnswerReader({
      answered: () => found.push(reader.rows),
      askedForFile: () => undefined,
    });
    reader.expect('result');
    const whole = result(1, [], 0);
    const behind = whole.length - 9;
    reader.push(whole.subarray(0, behind));
    const piece = Buffer.alloc(65_536, 0xff);
    const packets = 64;
    let sequence = 4;
    for (let sent = 0; sent < packets; sent++) {
      reader.push(Buffer.from([0xff, 0xff, 0xff, sequence++, sent === 0 ? 1 : 0xff]));
      for (let left = 0xffffff - 1; left > 0; left -= piece.length) {
        reader.push(piece.subarray(0, Math.min(left, piece.length)));
      }
    }
    // Of a length that is a multiple of the longest packet's: the last one is empty.
    reader.push(Buffer.from([0, 0, 0, sequence++]));
    reader.push(packet(sequence++, TEXT_ROW));
    reader.push(end(sequence, 0));
    expect(found).toEqual([2]);
  });
});

describe('what no server sends', () => {
  test.each([
    ['a packet that is out of order', Buffer.concat([packet(1, Buffer.from([1])), end(7, 0)])],
    ['an empty answer', packet(1, Buffer.alloc(0))],
    ['an OK of one byte', packet(1, Buffer.from([0]))],
    ['an OK that is cut short', packet(1, Buffer.from([0, 0xfe, 1, 2]))],
    ['an error without a number', packet(1, Buffer.from([0xff]))],
  ])('%s is an error', (_what, bytes) => {
    expect(() => read([bytes])).toThrow();
    expect(() => read(Array.from(bytes, (byte) => Buffer.from([byte])))).toThrow();
  });

  test('bytes at random never hang it', () => {
    let seed = 7;
    const byte = (): number => ((seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) >> 16) & 0xff;
    for (let run = 0; run < 2_000; run++) {
      const bytes = Buffer.from(Array.from({ length: 200 }, byte));
      try {
        read([bytes.subarray(0, 50), bytes.subarray(50)], run % 2 === 0 ? 'result' : 'prepared');
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }
  });
});
