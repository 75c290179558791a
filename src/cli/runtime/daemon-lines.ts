import { createLog, type DaemonLog, type LogLevel } from '../../daemon/daemon-log.ts';
import { escapeText } from '../../display/escape.ts';
import type { World } from './world.ts';

export type { DaemonLog, LogLevel };

/** The log of a daemon and of the processes that belong to it, on stderr: text on a terminal, else JSON lines. */
export function daemonLog({ stderr, clock }: World, level: LogLevel): DaemonLog {
  const isText = stderr.isTTY;
  return createLog(
    (line) => {
      // A server's message may hold control characters; JSON escapes them itself.
      const text = isText ? `${escapeText(line.trimEnd())}\n` : line;
      void stderr.write(text).catch(() => undefined);
    },
    clock,
    { json: !isText, level },
  );
}

/** Where a bug is. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
