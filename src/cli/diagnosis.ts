import type { Actor } from '../core/access.ts';
import { AppError } from '../core/errors.ts';
import type { Context } from './runtime/context.ts';
import { daemonFinding, unrestoredFindings } from './diagnosis-daemon.ts';
import { environmentFindings } from './diagnosis-environments.ts';
import { failure, findingOf, ok, warning } from './findings.ts';
import type { Finding } from './render/diagnosis.ts';
import { shellQuoted } from '../core/shell.ts';
import { localTime } from './render/moments.ts';
import { formatBytes, formatDuration } from '../core/units.ts';
import { programVersion } from '../package.ts';

const GIB = 1024 ** 3;
/** The recorder stops for want of room before that; this is when somebody should know. */
const LITTLE_FREE_BYTES = 2 * GIB;
const SOON_MS = 24 * 3_600_000;
/** Two machines with a working NTP are closer than that. */
const MOST_AHEAD_MS = 5_000;

/**
 * Looks at everything a capture needs, in the order in which one thing needs the other. Never throws
 * for what it finds; without a store, or with nobody logged in, that is the last finding of its kind.
 */
export async function diagnose(context: Context): Promise<Finding[]> {
  const findings = [programFinding(), timeZoneFinding(context)];
  const stored = await storeFindings(context);
  findings.push(...stored);
  if (stored.some(({ status }) => status === 'fail')) return findings;
  findings.push(...(await workloadFindings(context)));
  const [session, actor] = await sessionFinding(context);
  findings.push(session, daemonFinding(context));
  if (actor !== null) findings.push(...unrestoredFindings(context, actor));
  if (actor !== null) findings.push(...(await environmentFindings(context, actor)));
  return findings;
}

function programFinding(): Finding {
  const { version, platform, arch } = process;
  return ok('program', `captures ${programVersion()} on Node.js ${version}, ${platform} ${arch}`);
}

/** A Node.js built without the time zones of the world reads every zone as UTC or not at all. */
function timeZoneFinding(context: Context): Finding {
  const zone = context.timeZone;
  const data = process.versions['tz'] ?? 'of the system';
  try {
    const summer = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit' });
    const isReal = summer.format(Date.UTC(2026, 6, 1, 12)) === '14';
    if (!isReal) throw new AppError('internal', 'no data');
    new Intl.DateTimeFormat('en', { timeZone: zone });
  } catch {
    return warning(
      'time zones',
      'This Node.js has no time zone data: only UTC is reliable',
      'Install a Node.js with full ICU data: that of nodejs.org has it.',
    );
  }
  return ok('time zones', `times are read and shown in ${zone} (data ${data})`);
}

async function storeFindings(context: Context): Promise<Finding[]> {
  const check = 'store';
  try {
    const store = await context.wiring.inspectStore();
    const { directory, damage, tooOpen } = store;
    if (damage.length > 0) {
      return [
        failure(
          check,
          'store_unusable',
          `The store in ${directory} is damaged: ${damage.join('; ')}`,
          'Restore it from a backup, or move it away and run: captures init',
        ),
      ];
    }
    return [
      ok(
        check,
        `${directory}, schema ${store.schema}, ${formatBytes(store.databaseBytes)}${store.isShared ? ', shared by a group' : ''}`,
      ),
      tooOpen.length === 0
        ? ok('permissions', store.isShared ? 'only the group can open it' : 'only you can open it')
        : warning(
            'permissions',
            `${tooOpen.map(({ path }) => path).join(', ')} can be opened by ${store.isShared ? 'everybody' : 'others'}`,
            `chmod ${store.isShared ? 'o-rwx' : 'go-rwx'} ${tooOpen.map(({ path }) => shellQuoted(path)).join(' ')}`,
          ),
      diskFinding(store.freeBytes, store.diskBytes),
      clockFinding(store.newestAt, context.now()),
    ];
  } catch (error) {
    return [findingOf(check, error)];
  }
}

function diskFinding(free: number, whole: number): Finding {
  const detail = `${formatBytes(free)} of ${formatBytes(whole)} free where workloads are written`;
  return free >= LITTLE_FREE_BYTES
    ? ok('disk', detail)
    : warning('disk', detail, 'captures prune --older-than 30d --dry-run');
}

/** A clock that was set back makes leases, schedules and expiries wait for the time it had reached. */
function clockFinding(newest: number | null, now: number): Finding {
  const ahead = newest === null ? 0 : newest - now;
  if (ahead <= MOST_AHEAD_MS) return ok('clock', 'no time in the store is in the future');
  return warning(
    'clock',
    `The store was written ${formatDuration(ahead)} in the future: the clock here was set back, or that of another machine is ahead`,
    'Compare with: timedatectl',
  );
}

/** Workloads that no capture has, and deletions that a crash interrupted. */
async function workloadFindings(context: Context): Promise<Finding[]> {
  const check = 'workloads';
  const fix = 'captures prune --orphans';
  try {
    const { store } = context;
    const { findOrphanedWorkloads } = await import('../workload/deleted-workloads.ts');
    const findings: Finding[] = [];
    const orphans = await findOrphanedWorkloads(store);
    const [first] = orphans;
    if (first !== undefined) {
      const bytes = formatBytes(orphans.reduce((sum, orphan) => sum + orphan.bytes, 0));
      const what =
        orphans.length === 1
          ? `${first.folder} belongs to no capture`
          : `${orphans.length} folders belong to no capture, ${first.folder} the first`;
      findings.push(warning(check, `${what} (${bytes})`, fix));
    }
    const unfinished = store.removals.list().length;
    if (unfinished > 0) {
      const what = unfinished === 1 ? 'a deleted capture is' : `${unfinished} deleted captures are`;
      findings.push(warning(check, `the workload of ${what} not removed yet`, fix));
    }
    return findings;
  } catch (error) {
    return [findingOf(check, error)];
  }
}

async function sessionFinding(context: Context): Promise<[Finding, Actor | null]> {
  const check = 'session';
  try {
    const who = await context.actor();
    const left = who.expiresAt - context.now();
    const until = localTime(who.expiresAt, context.timeZone);
    const detail = `${who.userName}${who.isStoreAdmin ? ', an administrator,' : ''} by ${who.kind}, until ${until}`;
    if (left > SOON_MS) return [ok(check, detail), who];
    const fix =
      who.kind === 'session'
        ? `captures login ${shellQuoted(who.userName)}`
        : 'captures token create --name NAME';
    return [warning(check, `${detail}: in ${formatDuration(left)}`, fix), who];
  } catch (error) {
    return [findingOf(check, error), null];
  }
}
