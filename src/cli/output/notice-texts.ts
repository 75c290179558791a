import type { Notice } from '../../core/notices.ts';
import { formatDuration } from '../../core/units.ts';
import type { Context } from '../runtime/context.ts';
import { formatTime } from '../input/times.ts';
import { hintText } from './hint-texts.ts';

/** Prints a notice on stderr: as a warning if the user has to act, else as a note. */
export async function tellNotice(context: Context, notice: Notice): Promise<void> {
  switch (notice.code) {
    case 'server_warning':
      return context.warn(notice.text);
    case 'daemon_checks_server':
      return context.note('Only the daemon can read the password: it checks the server.');
    case 'server_not_checked':
      return context.note(`The server was not checked: ${notice.failure.message}`);
    case 'warm_up_not_needed':
      return context.note(`${whyNoWarmUp(notice)}.`);
    case 'recycling_not_needed':
      return context.note(
        notice.why === 'always_logged'
          ? 'This server logs the values of every prepared statement: no session has to be ended.'
          : 'All prepared statements there are recorded with values: no session has to be ended.',
      );
    case 'recycling_not_possible': {
      const { message, hint } = notice.failure;
      await context.warn(`No session can be ended as things are: ${message}`);
      for (const line of hintText(hint)?.split('\n') ?? []) await context.note(line);
      return;
    }
    case 'no_session_to_recycle':
      return context.warn(`There is no session of ${notice.users.join(', ')} to end now`);
    case 'lasting_daemon_needed': {
      const { isOneAlive, warmUpFrom } = notice;
      const who = isOneAlive
        ? 'The running daemon exits when nothing is left to record'
        : 'No daemon is running to start it';
      const when =
        warmUpFrom === null
          ? 'at that time'
          : `for the warm-up, from ${formatTime(warmUpFrom, context.timeZone)} on,`;
      return context.warn(`${who}: ${when} one must run. Keep one running with: captures daemon`);
    }
    case 'warm_up_planned': {
      const { from, until, wanted } = notice;
      const short =
        until - from < wanted
          ? `, ${formatDuration(until - from)} instead of ${formatDuration(wanted)}`
          : '';
      const { timeZone } = context;
      return context.note(
        `warm-up from ${formatTime(from, timeZone)} (${timeZone}) until it starts${short}`,
      );
    }
    case 'no_daemon_for_schedule':
      return context.warn(
        'No daemon is running to start its captures. Keep one running with: captures daemon',
      );
    case 'warm_ups_without_pause':
      return context.warn(
        'The warm-up is as long as the time between two captures: the slow log stays on between them',
      );
  }
}

function whyNoWarmUp({
  server,
  ownersLog,
}: Extract<Notice, { readonly code: 'warm_up_not_needed' }>): string {
  switch (ownersLog) {
    case 'general_log':
      return 'Its general log is already on and covers every session: nothing changes';
    case 'slow_log':
      return 'Its slow log is already on and covers the sessions since then: nothing changes';
    case null:
      return `${server.flavor === 'mysql' ? 'MySQL' : 'This server'} ${server.version} logs the values of every prepared statement: no warm-up is needed`;
  }
}
