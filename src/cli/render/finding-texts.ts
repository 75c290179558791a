import type { Fact, Finding } from '../../core/diagnosis/finding.ts';
import { formatBytes, formatDuration } from '../../core/units.ts';
import { shellQuoted } from './shell-quoting.ts';
import { hintText } from '../output/hint-texts.ts';
import type { ShownFinding } from './diagnosis.ts';
import { serverText } from './servers.ts';
import { neglectText } from './neglect.ts';

const START = 'captures daemon';
const PRUNE = 'captures prune --orphans';

/** A finding in the words of the command line. */
export function shownFinding(finding: Finding, now: number): ShownFinding {
  const { check, environment, status, code, fact } = finding;
  const [detail, fix = null] = wordsOf(fact, environment ?? '', status, now);
  return {
    check: environment === null ? check : `${check} ${environment}`,
    status,
    detail,
    fix,
    code,
  };
}

/** What was found, in a sentence; then what to type, where that helps. */
function wordsOf(
  fact: Fact,
  environment: string,
  status: Finding['status'],
  now: number,
): [string, (string | null)?] {
  switch (fact.is) {
    case 'failure':
      return [fact.failure.message, hintText(fact.failure.hint)];
    case 'said':
      return [fact.text];
    case 'orphaned_workloads': {
      const { orphans } = fact;
      const [first] = orphans;
      const bytes = formatBytes(orphans.reduce((sum, orphan) => sum + orphan.bytes, 0));
      const what =
        orphans.length === 1
          ? `${first?.folder} belongs to no capture`
          : `${orphans.length} folders belong to no capture, ${first?.folder} the first`;
      return [`${what} (${bytes})`, PRUNE];
    }
    case 'unfinished_removals': {
      const what = fact.count === 1 ? 'a deleted capture is' : `${fact.count} deleted captures are`;
      return [`the workload of ${what} not removed yet`, PRUNE];
    }
    case 'daemon_alive': {
      const { lagMs, holder } = fact;
      const who = `${holder.background ? 'in the background' : 'in the foreground'} on ${holder.host}, pid ${holder.pid}, for ${formatDuration(now - holder.since)}`;
      if (lagMs === null) return [who];
      if (status === 'ok') return [`${who}, at most ${(lagMs / 1_000).toFixed(1)}s behind`];
      return [
        `${who}; the record is ${formatDuration(lagMs)} behind`,
        'The daemon catches up once the server answers. To record less: captures help filters',
      ];
    }
    case 'daemon_not_needed':
      return ['none is running; none is needed'];
    case 'captures_wait': {
      const subject = fact.count === 1 ? 'a capture waits' : `${fact.count} captures wait`;
      return [`none is running and ${subject} for one`, START];
    }
    case 'warm_up_waits':
      return ['none is running and a warm-up waits for one', START];
    case 'restore_waits':
      return ['none is running and a server waits to be restored', 'captures recover'];
    case 'capture_due':
    case 'warm_up_due': {
      const what = fact.is === 'capture_due' ? 'a capture' : 'the warm-up of a capture';
      const when = fact.at > now ? `in ${formatDuration(fact.at - now)}` : 'now';
      return [`none is running and ${what} is due ${when}`, START];
    }
    case 'server_neglected':
      return [neglectText(fact.server, fact.hasDaemon), fact.hasDaemon ? null : 'captures recover'];
    case 'no_environments':
      return [
        'You have none',
        'captures env create NAME --url URL\nOr ask the admin of one: captures member add ENVIRONMENT USER',
      ];
    case 'nothing_to_check':
      return ['neither a server nor an RDS instance'];
    case 'daemon_checks_server':
      return ['only the daemon can read the password: it checks the server'];
    case 'server_ready':
      return [`${serverText(fact.server, fact.place)}: a capture could start`];
    case 'left_behind': {
      const since = fact.silentMs === null ? '' : `, silent for ${formatDuration(fact.silentMs)}`;
      return [
        `a recorder left its log switched on there${since}`,
        `captures recover ${shellQuoted(environment)}`,
      ];
    }
    case 'clock_apart': {
      const { aheadMs } = fact;
      const apart = `${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
      return [
        `its clock is ${apart} the clock here: records have the server's times, schedules use the clock here`,
        'Set both by NTP; here: timedatectl',
      ];
    }
  }
}
