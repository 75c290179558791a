import type { Clock } from '../core/clock.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Facts of an event; never a secret, never a statement. */
type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** Says what the daemon does, an event a line. */
export type DaemonLog = (level: LogLevel, event: string, fields?: LogFields) => void;

/**
 * A log that writes lines: text for a person, JSON for a program.
 * @param options.level events below it are left out.
 */
export function createLog(
  write: (line: string) => void,
  clock: Clock,
  options: { json: boolean; level: LogLevel },
): DaemonLog {
  const threshold = LOG_LEVELS.indexOf(options.level);
  return (level, event, fields = {}) => {
    if (LOG_LEVELS.indexOf(level) < threshold) return;
    const time = new Date(clock.now()).toISOString();
    if (options.json) {
      write(`${JSON.stringify({ time, level, event, ...fields })}\n`);
      return;
    }
    const details = Object.entries(fields)
      .map(([key, value]) => ` ${key}=${typeof value === 'string' ? JSON.stringify(value) : value}`)
      .join('');
    write(`${time} ${level.padEnd(5)} ${event}${details}\n`);
  };
}
