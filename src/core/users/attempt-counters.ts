import type { Store } from '../store.ts';
import { sha256 } from './sha256.ts';

/** What attempts are counted by: a name, an address, or a name at an address that it has logged in from. */
export type AttemptCounter =
  | readonly ['name', name: string]
  | readonly ['address', network: string]
  | readonly ['known', name: string, network: string];

/**
 * The row of a counter: two bytes of a hash with the store's key, so that nobody finds a name that is counted with
 * somebody else's.
 */
export function bucketOf(store: Store, counter: AttemptCounter): number {
  const key = store.pseudonymKey().toString('hex');
  return sha256(JSON.stringify(['attempts', key, ...counter])).readUInt16BE(0);
}
