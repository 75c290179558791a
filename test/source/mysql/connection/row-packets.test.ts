import fc from '../../../support/properties.ts';
import { expect, test } from 'vitest';
import { PacketCutter } from '../../../../src/source/mysql/connection/row-packets.ts';

function packet(payload: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const part = payload.subarray(at, at + 0xffffff);
    const header = Buffer.alloc(4);
    header.writeUIntLE(part.length, 0, 3);
    parts.push(header, part);
    at += part.length;
    if (part.length < 0xffffff) return Buffer.concat(parts);
  }
}

function cut(chunks: readonly Buffer[]): Buffer[] {
  const cutter = new PacketCutter();
  const payloads: Buffer[] = [];
  const pieces: Buffer[] = [];
  for (const chunk of chunks) {
    cutter.push(chunk, {
      take: ({ buffer, start, end }) => payloads.push(Buffer.from(buffer.subarray(start, end))),
      piece: (bytes, isLast) => {
        pieces.push(bytes);
        if (isLast) payloads.push(Buffer.concat(pieces.splice(0)));
      },
    });
  }
  return payloads;
}

test('packets are whole however the stream is cut into chunks', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 50 }),
      (payloads, sizes) => {
        const stream = Buffer.concat(payloads.map((payload) => packet(Buffer.from(payload))));
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length] ?? 1;
          chunks.push(stream.subarray(at, at + size));
          at += size;
        }
        expect(cut(chunks)).toEqual(payloads.map((payload) => Buffer.from(payload)));
      },
    ),
  );
});

test.each([1024 * 1024 - 1, 1024 * 1024, 0xffffff - 1, 0xffffff, 0xffffff + 1, 2 * 0xffffff])(
  'a payload of %i bytes is put together again',
  (size) => {
    const payload = Buffer.alloc(size, 'x');
    const stream = Buffer.concat([packet(payload), packet(Buffer.from('next'))]);
    const chunks: Buffer[] = [];
    for (let at = 0; at < stream.length; at += 65_536)
      chunks.push(stream.subarray(at, at + 65_536));
    const [first, second] = cut(chunks);
    expect(first?.equals(payload)).toBe(true);
    expect(second?.toString()).toBe('next');
  },
);
