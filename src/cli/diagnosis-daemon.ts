import type { Actor } from '../core/access.ts';
import type { Context } from './runtime/context.ts';
import { failure, ok, warning } from './findings.ts';
import { hasLiveDaemon, serverWarnings } from './output/daemon-warnings.ts';
import type { Finding } from './render/diagnosis.ts';
import { formatDuration } from '../core/units.ts';
import { readSavedStatus } from '../core/daemon/daemon-status.ts';

const MUCH_LAG_MS = 10_000;
const START = 'captures daemon';

/** Servers whose recording is interrupted, or whose log is not restored although nothing is recorded. */
export function unrestoredFindings(context: Context, actor: Actor): Finding[] {
  const { store } = context;
  const fix = hasLiveDaemon(store, context.now()) ? null : 'captures recover';
  return serverWarnings(store, actor, context.now()).map((text) =>
    failure('recorder', 'capture_failed', text, fix),
  );
}

/** Whether there is a daemon where one is needed, and whether it keeps up. */
export function daemonFinding(context: Context): Finding {
  const check = 'daemon';
  const { store } = context;
  const now = context.now();
  const lease = store.lease.find();
  if (lease === null || !hasLiveDaemon(store, now)) {
    const waiting = store.captures
      .listByStatus(['STARTED', 'STARTING', 'RUNNING', 'STOPPING'])
      .filter(({ recordsStatements }) => recordsStatements).length;
    if (waiting > 0) {
      const subject = waiting === 1 ? 'a capture waits' : `${waiting} captures wait`;
      return failure(check, 'capture_failed', `none is alive and ${subject} for one`, START);
    }
    if (store.warmUps.listOpen().length > 0) {
      return failure(check, 'capture_failed', 'none is alive and a warm-up waits for one', START);
    }
    if (store.taps.list().length > 0) {
      return failure(
        check,
        'capture_failed',
        'none is alive and a server waits to be restored',
        'captures recover',
      );
    }
    const warming = store.captures.nextWarming();
    const due = store.captures.nextDue();
    if (warming !== null && (due === null || warming < due)) {
      const when = warming > now ? `in ${formatDuration(warming - now)}` : 'now';
      return warning(check, `none is alive and the warm-up of a capture is due ${when}`, START);
    }
    if (due === null) return ok(check, 'none is alive, and nothing needs one');
    const when = due > now ? `in ${formatDuration(due - now)}` : 'now';
    return warning(check, `none is alive and a capture is due ${when}`, START);
  }
  const who = `${lease.background ? 'in the background' : 'in the foreground'} on ${lease.host}, pid ${lease.pid}, for ${formatDuration(now - lease.acquiredAt)}`;
  const lags = (readSavedStatus(store, now)?.taps ?? []).map(({ lagMs }) => lagMs ?? 0);
  const lag = Math.max(0, ...lags);
  if (lag > MUCH_LAG_MS) {
    return warning(
      check,
      `${who}; the record is ${formatDuration(lag)} behind`,
      'captures list --status RUNNING --watch',
    );
  }
  return ok(check, lags.length === 0 ? who : `${who}, at most ${(lag / 1_000).toFixed(1)}s behind`);
}
