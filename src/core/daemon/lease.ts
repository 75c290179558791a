import type { Lease } from '../store.ts';

/** It is taken for three seconds and renewed every second. */
export const LEASE_MS = 3_000;
// A clock that is slewed, and a commit that takes long, may put the expiry a little further away.
const LONGEST_AHEAD_MS = LEASE_MS + 2_000;

/**
 * Whether a lease says that a daemon is alive. One that expires further ahead than a lease is long was
 * written before the clock was set back, and has not been renewed since.
 */
export function isLive(lease: Pick<Lease, 'expiresAt'> | null, now: number): boolean {
  return lease !== null && lease.expiresAt > now && lease.expiresAt <= now + LONGEST_AHEAD_MS;
}
