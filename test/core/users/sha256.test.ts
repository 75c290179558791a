import { createHash } from 'node:crypto';
import fc from '../../support/properties.ts';
import { expect, it } from 'vitest';
import { sha256 } from '../../../src/core/users/sha256.ts';

function byNode(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

it('is the SHA-256 of the standard', () => {
  expect(sha256('abc').toString('hex')).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});

it('is what node:crypto computes, at every length around the ends of blocks', () => {
  for (let length = 0; length <= 200; length += 1) {
    const text = 'é'.repeat(length % 2) + 'a'.repeat(length);
    expect(sha256(text).toString('hex')).toBe(byNode(text));
  }
});

it('is what node:crypto computes, of any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      expect(sha256(text).toString('hex')).toBe(byNode(text));
    }),
    { numRuns: 2_000 },
  );
});
