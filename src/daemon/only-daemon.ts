import { AuditTrail, type Origin } from '../core/audit/audit-trail.ts';
import { AppError } from '../core/errors.ts';
import { isLive } from '../core/daemon/lease.ts';
import type { RestoreServer } from '../core/recovery/restorer.ts';
import type { Lease, TapRow } from '../core/store.ts';
import type { DaemonContext } from './daemon.ts';
import { LeaseHolder } from './lease-holder.ts';
import type { DaemonLog } from './daemon-log.ts';
import { noServiceManager } from './sd-notify.ts';
import type { ServerEnvironment } from '../core/environments/environment.ts';
import { LeaseLost } from './tap-context.ts';
import { NO_OTHER_TAPS } from './server-proof.ts';
import { Tap } from './tap.ts';

const LOOK_MS = 100;
/** Somebody waits at a terminal: what a server does not let be done by then is left for another time. */
const PATIENCE_MS = 30_000;

type RecoveryContext = Omit<DaemonContext, 'notifier' | 'metricProvider'>;

/**
 * Makes sure that no daemon runs in the store. The lease of one that was killed runs on for up to
 * three seconds: whether it is renewed shows which it is.
 * @throws AppError `conflict` naming the daemon; what `signal` is aborted with.
 */
export async function requireNoDaemon(
  { store, clock }: Pick<RecoveryContext, 'store' | 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  let first: Lease | null = null;
  for (;;) {
    const lease = store.lease.find();
    if (lease === null || !isLive(lease, clock.now())) return;
    first ??= lease;
    if (lease.holder !== first.holder || lease.expiresAt !== first.expiresAt) {
      throw daemonAtWork(lease);
    }
    await clock.sleep(LOOK_MS, signal);
    signal.throwIfAborted();
  }
}

function daemonAtWork(lease: Lease | null): AppError {
  const who = lease === null ? 'is running' : `on ${lease.host}, pid ${lease.pid}, is running`;
  return new AppError(
    'conflict',
    `A daemon ${who} in this store: it restores servers by itself when their last capture ends`,
    { hint: { code: 'see_daemon_status' } },
  );
}

/**
 * Does the part of a daemon's work that restores servers, as the store's one daemon meanwhile: no
 * other can begin before `work` is over. Killed at any instant, it leaves what a killed daemon leaves:
 * the next one, or the next recovery, goes on.
 * @throws AppError `conflict` when a daemon runs; what `signal` is aborted with, the server then
 *   being as the next daemon needs it.
 */
export async function asOnlyDaemon<T>(
  context: RecoveryContext,
  signal: AbortSignal,
  work: (restore: RestoreServer) => Promise<T>,
): Promise<T> {
  const { store } = context;
  const leaving = new AbortController();
  const lease = new LeaseHolder({ ...context, notifier: noServiceManager }, true, () =>
    leaving.abort(),
  );
  if (!(await lease.standBy(signal))) {
    signal.throwIfAborted();
    throw daemonAtWork(store.lease.find());
  }
  const leave = (): void => leaving.abort();
  signal.addEventListener('abort', leave);
  const renewing = new AbortController();
  const renewal = lease.keep(renewing.signal, () => undefined);
  try {
    return await work(async (environment, tap, begin) => {
      lease.commit(begin);
      return runTap({ ...context, lease }, environment, tap, leaving.signal);
    });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof LeaseLost)) throw error;
    throw new AppError('conflict', 'A daemon took over meanwhile: it restores the server', {
      hint: { code: 'see_daemon_status' },
      cause: error,
    });
  } finally {
    signal.removeEventListener('abort', leave);
    renewing.abort();
    await renewal;
    if (!lease.isLost) lease.release();
  }
}

async function runTap(
  context: RecoveryContext & { readonly lease: LeaseHolder },
  environment: ServerEnvironment,
  row: TapRow,
  leaving: AbortSignal,
): Promise<{ warnings: readonly string[] }> {
  const { store, clock, source, programVersion, hostname, pid, userName, lease } = context;
  const warnings: string[] = [];
  const failures: string[] = [];
  const log: DaemonLog = (level, event, fields) => {
    if (typeof fields?.['warning'] === 'string') warnings.push(fields['warning']);
    if (level === 'error' && typeof fields?.['message'] === 'string')
      failures.push(fields['message']);
    context.log(level, event, fields);
  };
  const origin: Origin = { userName: userName ?? 'unknown', hostName: hostname, pid };
  const tap = new Tap(
    {
      store,
      clock,
      source,
      log,
      programVersion,
      daemonName: `recovery on ${hostname}, pid ${pid}`,
      audit: new AuditTrail(store, clock, origin),
      commit: lease.commit,
    },
    environment,
    row,
    PATIENCE_MS,
  );
  const leave = (): void => tap.leave();
  leaving.addEventListener('abort', leave);
  try {
    if (leaving.aborted) leave();
    const { how } = await tap.run(NO_OTHER_TAPS);
    if (how === 'restored') return { warnings };
    if (how === 'left') throw new LeaseLost('told to leave');
    throw new AppError(
      'remote_failed',
      `The server of "${environment.name}" could not be restored: ${failures.at(-1) ?? 'reason unknown'}`,
      { hint: { code: 'restore_stays_pending' } },
    );
  } finally {
    leaving.removeEventListener('abort', leave);
  }
}
