import type { Actor } from '../../core/access.ts';
import { AppError, isAppError, messageOf, type ErrorCode } from '../../core/errors.ts';
import type { Finding } from '../../core/diagnosis/finding.ts';
import { hintText } from '../output/hint-texts.ts';
import type { ShownFinding } from '../render/diagnosis.ts';
import { shownFinding } from '../render/finding-texts.ts';
import type { Context } from './context.ts';
import type { KnownServer } from './known-servers.ts';
import { shellQuoted } from '../render/shell-quoting.ts';
import { localTime } from '../render/moments.ts';
import { formatBytes, formatDuration } from '../../core/units.ts';
import { programVersion } from '../../package.ts';

/** What no session and no token is. */
const NO_SECRET = 'none';

const GIB = 1024 ** 3;
/** Early enough to act: guards end captures later than this. */
const LITTLE_FREE_BYTES = 2 * GIB;
const SOON_MS = 24 * 3_600_000;
/** Machines with a working NTP are closer than this. */
const MOST_AHEAD_MS = 5_000;

/**
 * Checks everything a capture needs, each thing after those it depends on. Never throws for what it finds;
 * without a store or a login the checks that need one are left out.
 */
export async function diagnose(context: Context): Promise<ShownFinding[]> {
  const findings = [programFinding(), timeZoneFinding(context)];
  const stored =
    context.server === null
      ? await storeFindings(context)
      : [await serverFinding(context, context.server)];
  findings.push(...stored);
  if (stored.some(({ status }) => status === 'fail')) return findings;
  const [session, actor] = await sessionFinding(context);
  const { diagnosis } = context.api;
  const shown = (found: readonly Finding[]): ShownFinding[] =>
    found.map((finding) => shownFinding(finding, context.now()));
  findings.push(session);
  // A server tells nobody who is not logged in.
  if (actor !== null || context.server === null) findings.push(...shown(await diagnosis.ofStore()));
  if (actor !== null) findings.push(...shown(await diagnosis.ofEnvironments(actor)));
  return findings;
}

/** Whether the server can be asked. Who is not logged in is refused, and knows so that it can. */
async function serverFinding(context: Context, { name, url }: KnownServer): Promise<ShownFinding> {
  const check = 'server';
  try {
    await context.api.users.authenticate(NO_SECRET).catch((error: unknown) => {
      if (!isAppError(error, 'unauthenticated')) throw error;
    });
    const version = context.serverVersion;
    const where = name === new URL(url).host ? url : `${name}, ${url}`;
    return ok(check, version === null ? where : `${where}, captures ${version}`);
  } catch (error) {
    return findingOf(check, error);
  }
}

function programFinding(): ShownFinding {
  const { version, platform, arch } = process;
  return ok('program', `captures ${programVersion()} on Node.js ${version}, ${platform} ${arch}`);
}

/** A Node.js built without time zone data reads every zone as UTC, or not at all. */
function timeZoneFinding(context: Context): ShownFinding {
  const zone = context.timeZone;
  const data = process.versions['tz'] ?? 'of the system';
  try {
    const summer = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit' });
    const isReal = summer.format(Date.UTC(2026, 6, 1, 12)) === '14';
    const own = new Intl.DateTimeFormat('en', { timeZone: zone }).format();
    if (!isReal || own === '') throw new AppError('internal', 'no data');
  } catch {
    return warning(
      'time zones',
      'This Node.js has no time zone data: only UTC is reliable',
      'Install a Node.js with full ICU data: that of nodejs.org has it.',
    );
  }
  return ok('time zones', `times are read and shown in ${zone} (data ${data})`);
}

async function storeFindings(context: Context): Promise<ShownFinding[]> {
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

function diskFinding(free: number, whole: number): ShownFinding {
  const detail = `${formatBytes(free)} of ${formatBytes(whole)} free where workloads are written`;
  return free >= LITTLE_FREE_BYTES
    ? ok('disk', detail)
    : warning('disk', detail, 'captures prune --older-than 30d --dry-run');
}

/** A clock that was set back makes leases, schedules and expiries wait for the time it had reached. */
function clockFinding(newest: number | null, now: number): ShownFinding {
  const ahead = newest === null ? 0 : newest - now;
  if (ahead <= MOST_AHEAD_MS) return ok('clock', 'no time in the store is in the future');
  return warning(
    'clock',
    `The store was written ${formatDuration(ahead)} in the future: the clock here was set back, or the clock of another machine is ahead`,
    'Compare with: timedatectl',
  );
}

async function sessionFinding(context: Context): Promise<[ShownFinding, Actor | null]> {
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

function ok(check: string, detail: string): ShownFinding {
  return { check, status: 'ok', detail, fix: null, code: null };
}

/** @param fix what to type; null where nothing helps. */
function warning(check: string, detail: string, fix: string | null): ShownFinding {
  return { check, status: 'warn', detail, fix, code: null };
}

/** @param code the kind of failure; that of the first failure decides the exit status. */
function failure(check: string, code: ErrorCode, detail: string, fix: string | null): ShownFinding {
  return { check, status: 'fail', detail, fix, code };
}

function findingOf(check: string, error: unknown): ShownFinding {
  if (isAppError(error)) return failure(check, error.code, error.message, hintText(error.hint));
  return failure(check, 'internal', messageOf(error), null);
}
