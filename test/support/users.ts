import { UNLIMITED } from '../../src/core/access.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { ScryptCost } from '../../src/core/users/passwords.ts';
import { sha256 } from '../../src/core/users/sha256.ts';
import { openStore } from '../../src/store/sqlite-store.ts';

/** A password hash that takes no time. */
export const CHEAP_HASH: ScryptCost = { logN: 4, r: 8, p: 1 };

/**
 * Adds a user to a store without the cost of a password hash.
 * @returns what makes a command line theirs: CAPTURES_TOKEN.
 */
export function addUser(
  home: string,
  name: string,
  options: { isAdmin?: boolean } = {},
): { CAPTURES_TOKEN: string } {
  const store = openStore(home);
  try {
    const now = systemClock.now();
    const isAdmin = options.isAdmin ?? false;
    const user = store.users.insert({ name, isAdmin, passwordHash: 'none' }, now);
    const secret = `captures_token_of_${name}`;
    store.credentials.insert(
      {
        userId: user.id,
        kind: 'token',
        name: 'test',
        secretHash: sha256(secret),
        scope: UNLIMITED,
        expiresAt: now + 86_400_000,
      },
      now,
    );
    return { CAPTURES_TOKEN: secret };
  } finally {
    store.close();
  }
}
