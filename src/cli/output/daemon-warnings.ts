import type { Actor } from '../../core/access.ts';
import { isLive } from '../../core/daemon/lease.ts';
import { listUnrestored, type UnrestoredServer } from '../../core/recovery/recovery-rules.ts';
import type { Store } from '../../core/store.ts';
import { shellQuoted } from '../../core/shell.ts';

/** Whether a daemon holds the store's lease now. */
export function hasLiveDaemon(store: Store, now: number): boolean {
  return isLive(store.lease.find(), now);
}

/**
 * The warning for a capture that starts later; null if a permanent daemon is alive.
 * @param when from when on a daemon must run, in words.
 */
export function laterDaemonWarning(store: Store, now: number, when: string): string | null {
  const lease = store.lease.find();
  const isAlive = hasLiveDaemon(store, now);
  if (isAlive && lease?.background !== true) return null;
  const who = isAlive
    ? 'The running daemon exits when nothing is left to record'
    : 'No daemon is alive to start it';
  return `${who}: ${when} one must run. Keep one running with: captures daemon`;
}

/** The warning for captures that are RUNNING without a daemon; null if there are none. */
export function orphanWarning(store: Store, now: number): string | null {
  const orphans = store.captures
    .listByStatus(['RUNNING', 'STOPPING'])
    .filter((capture) => capture.recordsStatements).length;
  if (orphans === 0 || hasLiveDaemon(store, now)) return null;
  const subject = orphans === 1 ? 'A capture is' : `${orphans} captures are`;
  return `${subject} being recorded but no daemon is alive: the server's log is on and nothing reads it. Start one with: captures daemon; to end it by hand: captures recover`;
}

/**
 * The warnings for servers of the actor's environments whose recording is interrupted, or whose log is not
 * restored although nothing is recorded there any more.
 */
export function serverWarnings(store: Store, actor: Actor, now: number): string[] {
  const hasDaemon = hasLiveDaemon(store, now);
  return listUnrestored(store, actor)
    .filter((server) => server.trouble !== null || (!server.isRecording && !hasDaemon))
    .map((server) => serverWarning(server, hasDaemon));
}

function serverWarning(server: UnrestoredServer, hasDaemon: boolean): string {
  const { environmentName, trouble, isRecording, isWarm } = server;
  const name = shellQuoted(environmentName);
  const why =
    trouble === null ? '' : ` (since ${new Date(trouble.since).toISOString()}: ${trouble.reason})`;
  if (isRecording) {
    const next = hasDaemon ? 'The daemon will retry.' : '';
    return `The recording on the server of ${name} is interrupted${why}. ${next}`.trimEnd();
  }
  if (isWarm) {
    return hasDaemon
      ? `The warm-up of ${name} is interrupted${why}. The daemon will retry.`
      : `A warm-up of ${name} is on and no daemon is alive: the slow log of its server stays on. Start one with: captures daemon; to end it by hand: captures recover ${name}`;
  }
  const next = hasDaemon
    ? 'The daemon will retry.'
    : `Nothing retries it. To restore it: captures recover ${name}`;
  return `The log of the server of ${name} is not restored yet${why}. ${next}`;
}
