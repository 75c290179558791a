import { randomBytes } from 'node:crypto';
import type { Credential } from '../store.ts';
import { sha256 } from './sha256.ts';

/** 32 random bytes; the prefix tells a leaked one from other strings. */
export function newSecret(kind: Credential['kind']): string {
  return `captures_${kind}_${randomBytes(32).toString('base64url')}`;
}

/** What the store has of one. */
export function hashSecret(secret: string): Buffer {
  return sha256(secret);
}
