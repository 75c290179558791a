import type { AuditTrail, Author } from '../audit/audit-trail.ts';
import type { Store } from '../store.ts';
import { isAbandoned } from './replay.ts';

/**
 * Settles replays that are not over although nobody plays them any more: the process that did so was killed, or its
 * machine went down. They are FAILED, with what was last heard of them.
 * @param author who looks.
 */
export function settleAbandoned(
  store: Store,
  audit: AuditTrail,
  author: Author,
  now: number,
): void {
  for (const id of store.replays.listOpen()) {
    store.transaction(() => {
      const capture = store.captures.find(id);
      const stored = store.replays.find(id);
      if (capture === null || stored === null || !isAbandoned(capture.status, stored, now)) return;
      const { host, pid, heardAt } = stored;
      audit.moveCapture(author, id, capture.status, 'FAILED', {
        end: capture.start === null ? null : Math.max(heardAt, capture.start),
        reason: `The process that replayed it (pid ${pid} on ${host}) ended without a word`,
      });
    });
  }
}
