import { hash } from 'node:crypto';
import { writeDigest } from './digest-writer.ts';
import { ShapeCache } from './shape-cache.ts';

/**
 * To be raised with every change of what digest or class a statement has: what was counted by other rules is
 * counted again.
 */
export const DIGEST_RULES = 4;

/** A statement without its values. */
export interface Digest {
  /** The statement with `?` for its values: see docs/digests.md. */
  readonly text: string;
  /** 16 hexadecimal digits, made from the text. */
  readonly id: string;
}

/**
 * The statement with its values taken out: two texts that differ in values, white space and comments
 * alone have one. Any text has one, also one that cannot be parsed; linear in the text.
 */
export function digestText(sql: string): string {
  return writeDigest(sql);
}

/** The id of a digest text: the first 16 hexadecimal digits of its SHA-256. */
export function digestId(text: string): string {
  return hash('sha256', text).slice(0, 16);
}

/**
 * Digests of a stream of statements: one of a shape that was seen before costs no building of its
 * text. Remembers some thousand digests, in a bounded memory. Any text has a digest.
 */
export class Digester extends ShapeCache<Digest> {
  constructor() {
    super(digestOf, ({ text }) => text.length);
  }
}

function digestOf(sql: string): Digest {
  const text = digestText(sql);
  return { text, id: digestId(text) };
}
