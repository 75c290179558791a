import { describe, expect, it } from 'vitest';
import { parsePasswordReference } from '../../../src/core/environments/password-reference.ts';
import type { AppError } from '../../../src/core/errors.ts';

describe('a password reference', () => {
  it.each([
    ['env:DB_PASSWORD', { from: 'env', name: 'DB_PASSWORD' }],
    ['file:/etc/db.pw', { from: 'file', path: '/etc/db.pw' }],
    ['cnf:/etc/my.cnf#captures', { from: 'cnf', path: '/etc/my.cnf', group: 'captures' }],
    ['cnf:/etc/my.cnf', { from: 'cnf', path: '/etc/my.cnf', group: 'client' }],
  ])('%s', (reference, parsed) => {
    expect(parsePasswordReference(reference)).toEqual(parsed);
  });

  it('that is a password itself is refused without showing it', () => {
    try {
      parsePasswordReference('hunter2hunter2');
      expect.unreachable();
    } catch (error) {
      expect((error as AppError).message).not.toContain('hunter2');
    }
  });
});
