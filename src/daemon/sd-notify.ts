import { execFile } from 'node:child_process';

const TOOL = 'systemd-notify';
const PATIENCE_MS = 5_000;
/** Without a watchdog, systemd's status line is brought up to date this often at most. */
const STATUS_EVERY_MS = 60_000;

/** Tells a service manager how the daemon is; does nothing where there is none. */
export interface ServiceNotifier {
  /** The daemon is up: it has the lease, or stands by for it. */
  ready(status: string): void;
  /** Call it from the daemon's loop: proof of life, passed on as often as the manager wants it. */
  beat(status: () => string): void;
  /** The daemon leaves. Resolves when everything was passed on. */
  stopping(): Promise<void>;
}

export const noServiceManager: ServiceNotifier = {
  ready: () => undefined,
  beat: () => undefined,
  stopping: () => Promise.resolve(),
};

/**
 * Speaks systemd's notification protocol when `NOTIFY_SOCKET` is set. Node has no datagram sockets of
 * the file system's kind, so that systemd's own `systemd-notify` passes the messages on: it comes with
 * systemd, hence is there where there is somebody to tell. Its process is not the service's main one:
 * the unit needs NotifyAccess=all.
 * @param onFailure told once when the messages cannot be passed on; the daemon works all the same.
 */
export function createServiceNotifier(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
  onFailure: (message: string) => void,
): ServiceNotifier {
  const socket = env['NOTIFY_SOCKET'];
  if (socket === undefined || socket === '') return noServiceManager;
  const watchdogMs = watchdogOf(env, pid);
  const every = watchdogMs === null ? STATUS_EVERY_MS : watchdogMs / 2;
  let last: number | null = null;
  let lastStatus = '';
  let hasFailed = false;
  let queue = Promise.resolve();

  const send = (...fields: string[]): void => {
    queue = queue.then(
      () =>
        new Promise((resolve) => {
          const options = { timeout: PATIENCE_MS, env: { ...env, NOTIFY_SOCKET: socket } };
          execFile(TOOL, fields, options, (error) => {
            if (error !== null && !hasFailed) {
              hasFailed = true;
              onFailure(error.message.trim());
            }
            resolve();
          });
        }),
    );
  };
  return {
    ready(status) {
      lastStatus = status;
      last = performance.now();
      send('READY=1', `MAINPID=${pid}`, `STATUS=${oneLine(status)}`);
    },
    beat(describe) {
      const now = performance.now();
      if (last !== null && now - last < every) return;
      last = now;
      const status = describe();
      const fields = status === lastStatus ? [] : [`STATUS=${oneLine(status)}`];
      lastStatus = status;
      if (watchdogMs !== null) fields.push('WATCHDOG=1');
      if (fields.length > 0) send(...fields);
    },
    async stopping() {
      send('STOPPING=1');
      await queue;
    },
  };
}

/** How often systemd wants a sign of life; null when it wants none from this process. */
function watchdogOf(env: Readonly<Record<string, string | undefined>>, pid: number): number | null {
  const microseconds = Number(env['WATCHDOG_USEC']);
  const isForUs = env['WATCHDOG_PID'] === undefined || Number(env['WATCHDOG_PID']) === pid;
  return isForUs && microseconds > 0 ? microseconds / 1_000 : null;
}

/** A line break would end the field. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ');
}
