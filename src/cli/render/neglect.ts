import type { UnrestoredServer } from '../../core/recovery/recovery-rules.ts';
import { formatUtc } from '../../core/units.ts';
import { shellQuoted } from './shell-quoting.ts';

/** That the recording on a server is interrupted, or its log not restored, and who sees to it. */
export function neglectText(server: UnrestoredServer, hasDaemon: boolean): string {
  const { environmentName, trouble, isRecording, isWarm } = server;
  const name = shellQuoted(environmentName);
  const why =
    trouble === null
      ? ''
      : ` (since ${formatUtc(new Date(trouble.since).toISOString())}: ${trouble.reason})`;
  if (isRecording) {
    const next = hasDaemon ? 'The daemon will retry.' : '';
    return `The recording on the server of ${name} is interrupted${why}. ${next}`.trimEnd();
  }
  if (isWarm) {
    return hasDaemon
      ? `The warm-up of ${name} is interrupted${why}. The daemon will retry.`
      : `A warm-up of ${name} is on and no daemon is running: the slow log of its server stays on. Start one with: captures daemon; to end it by hand: captures recover ${name}`;
  }
  const next = hasDaemon
    ? 'The daemon will retry.'
    : `Nothing retries it. To restore it: captures recover ${name}`;
  return `The log of the server of ${name} is not restored yet${why}. ${next}`;
}

/** That captures are recorded with no daemon alive. */
export function orphansText(captures: number): string {
  const subject = captures === 1 ? 'A capture is' : `${captures} captures are`;
  return `${subject} being recorded but no daemon is running: the server's log is on and nothing reads it. Start one with: captures daemon; to end it by hand: captures recover`;
}
