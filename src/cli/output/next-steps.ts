import type { Actor } from '../../core/access.ts';
import { ALL_CAPTURES } from '../../core/captures/capture-list.ts';
import { CAPTURE_STATUSES, isOver } from '../../core/captures/capture.ts';
import type { ListedCapture } from '../../core/store.ts';
import { openContext, type Context } from '../runtime/context.ts';
import { KnownServers } from '../runtime/known-servers.ts';
import { readGlobalOptions } from '../input/global-options.ts';
import { escapeText } from '../../display/escape.ts';
import { captureWord, shellQuoted } from '../render/shell-quoting.ts';
import { liveLine } from '../render/live.ts';
import { neglectText } from '../render/neglect.ts';
import { localTime } from '../render/moments.ts';
import { fullName } from '../render/full-name.ts';
import { formatDuration } from '../../core/units.ts';
import { messageLines } from '../render/messages.ts';
import { truncate } from '../render/width.ts';
import type { World } from '../runtime/world.ts';

const CAPTURES_ALONE = { ...ALL_CAPTURES, type: 'CAPTURE' } as const;
const MOST_SHOWN = 4;
const MOST_READ = 100;
const LOG_IN_TO_SERVER = 'captures login NAME --server URL';
const LATELY_MS = 24 * 3_600_000;
/** Of the newest captures that are DONE, so many are looked through for statements. */
const MOST_DONE = 20;

/** Lines to show, and the commands that come next. */
interface Advice {
  readonly says: readonly string[];
  readonly commands: readonly string[];
  readonly warnings?: readonly string[];
}

/**
 * Prints what `captures` alone prints: the state of things and the next command.
 * @returns the exit status, 0.
 * @throws AppError `store_unusable` for a store that is there and cannot be used.
 */
export async function showNextSteps(world: World): Promise<number> {
  const context = await openContext(world, readGlobalOptions({}, {}), []);
  try {
    const { warnings = [], says, commands } = await adviceFor(context);
    const width = world.stdout.isTTY ? context.columns : Infinity;
    const lines = [
      // Whole: they end in the command to run.
      ...warnings.flatMap((text) => messageLines(escapeText(text), width)),
      ...says.flatMap((line) => {
        const text = escapeText(line);
        // What leads to the commands is whole, too.
        return line.endsWith(':') ? messageLines(text, width) : [truncate(text, width)];
      }),
      ...commands.map((line) => `  ${escapeText(line)}`),
      '',
      'All commands: captures --help',
    ];
    await world.stdout.write(`${lines.join('\n')}\n`);
    return 0;
  } finally {
    context.close();
  }
}

async function adviceFor(context: Context): Promise<Advice> {
  if (context.server === null && !context.wiring.hasStore) {
    const known = new KnownServers(context.paths).list().slice(0, MOST_SHOWN);
    if (known.length > 0) {
      return {
        says: ['There is no store on this machine. To use a server that you know, or to make one:'],
        commands: [
          ...known.map(({ name }) => `captures server use ${shellQuoted(name)}`),
          'captures init',
        ],
      };
    }
    return {
      says: [
        'captures records every statement a MySQL or MariaDB server receives.',
        '',
        'First make a store, with you as its first user; or log in to the server of your team:',
      ],
      commands: ['captures init', LOG_IN_TO_SERVER],
    };
  }
  const who = await context.whoIsThere();
  if (who === null) return loginAdvice(context);
  const { servers, hasDaemon } = await context.api.daemon.neglected(who);
  const warnings = servers.map((server) => neglectText(server, hasDaemon));
  const { says, commands } = await adviceForUser(context, who);
  const where =
    context.server === null ? [] : [`Server: ${context.server.name}, as ${who.userName}`];
  return { warnings, says: [...where, ...(await openWarmUps(context, who)), ...says], commands };
}

/** One line for each warm-up of the user's environments that is on or requested. */
async function openWarmUps({ api, timeZone }: Context, who: Actor): Promise<string[]> {
  return (await api.warmUps.listOpen(who)).map(({ environment, until, capture }) => {
    const end = capture === null ? localTime(until, timeZone) : `${capture} starts`;
    return `${environment}: a warm-up is on until ${end}`;
  });
}

async function loginAdvice(context: Context): Promise<Advice> {
  const { server, api } = context;
  const user = server?.session?.user ?? (await api.users.whoLogsIn());
  const where = server === null ? `to the store in ${context.storeFolder}` : `to ${server.name}`;
  const logIn = `captures login ${shellQuoted(user ?? 'NAME')}`;
  if (context.hasToken) {
    return {
      says: [`CAPTURES_TOKEN does not log you in ${where}.`, 'Without it:'],
      commands: ['unset CAPTURES_TOKEN', logIn],
    };
  }
  return {
    says: [`You are not logged in ${where}.`],
    commands: [logIn],
  };
}

async function adviceForUser(context: Context, who: Actor): Promise<Advice> {
  const environments = await context.api.environments.list(who);
  const environment = environments.find(({ server }) => server !== null) ?? environments[0];
  if (environment === undefined) {
    return {
      says: [
        'You have no environment yet. Describe the server to capture, or ask the admin of one to add you:',
      ],
      commands: [
        'captures env create NAME --url mysql://USER@HOST --password-from env:VARIABLE',
        'captures env create NAME     asks for what is missing',
        `captures member add ENVIRONMENT ${shellQuoted(who.userName)}     for its admin`,
      ],
    };
  }
  const { captures } = context.api;
  const statuses = CAPTURE_STATUSES.filter((status) => !isOver(status));
  // Those that run come first, then those that start next.
  const byStart = { order: 'start', descending: false, limit: MOST_READ } as const;
  const open = await captures.list(who, { ...CAPTURES_ALONE, statuses, ...byStart });
  const running = open.filter(({ status }) => status !== 'SCHEDULED');
  const failed = await failedLately(context, who);
  if (running.length > 0) {
    const last = running[0]?.status === 'RUNNING' ? running[0] : null;
    return joined(await runningAdvice(context, who, running, last), failed);
  }
  const next = nextToStart(open, context.now());
  const done = await recordedAdvice(context, who);
  // Where something was recorded recording works.
  const isThere = environments.some(({ name }) => name === done.environment);
  const name = shellQuoted((isThere ? done.environment : null) ?? environment.name);
  return joined(
    {
      says: [
        ...(next === null ? [] : [next]),
        ...done.says,
        `Nothing is being recorded. To record ${
          environments.length === 1
            ? environment.name
            : `one of your ${environments.length} environments`
        }:`,
      ],
      commands: [`captures create NAME --env ${name}`, ...done.commands],
    },
    failed,
  );
}

/** The newest capture that recorded statements, and the one before it that it can be compared with. */
async function recordedAdvice(
  context: Context,
  who: Actor,
): Promise<Advice & { readonly environment: string | null }> {
  const statuses = ['DONE'] as const;
  const done = await context.api.captures.list(who, {
    ...CAPTURES_ALONE,
    statuses,
    limit: MOST_DONE,
  });
  const [last, ...others] = done.filter(({ records }) => records !== null && records > 0);
  if (last === undefined) return { says: [], commands: [], environment: null };
  const before = others.find(({ environmentId }) => environmentId === last.environmentId);
  const report = `captures report ${captureWord(last)}`;
  return {
    environment: last.environmentName,
    says: [`Recorded last: ${fullName(last)}`],
    commands: [
      report,
      ...(before === undefined
        ? []
        : [`captures diff ${captureWord(before)} ${captureWord(last)}`]),
    ],
  };
}

async function runningAdvice(
  context: Context,
  who: Actor,
  running: readonly ListedCapture[],
  last: ListedCapture | null,
): Promise<Advice> {
  const now = context.now();
  const lines: string[] = [];
  for (const capture of running.slice(0, MOST_SHOWN)) {
    const live = await context.api.captures.live(who, String(capture.id));
    lines.push(`${fullName(capture)}: ${liveLine(capture, live, now)}`);
  }
  const more = running.length - lines.length;
  return {
    says: [
      ...lines,
      ...(more > 0 ? [`… and ${more === 1 ? 'one more' : `${more} more`}`] : []),
      '',
    ],
    commands: [
      'captures list --watch',
      ...(last?.recordsStatements === true ? [`captures report ${captureWord(last)} --watch`] : []),
      ...(last === null ? [] : [`captures stop ${captureWord(last)}`]),
    ],
  };
}

/** One line with the next start; null when nothing is scheduled. */
function nextToStart(open: readonly ListedCapture[], now: number): string | null {
  const [first] = open;
  if (first === undefined || first.scheduledStart === null) return null;
  return `${fullName(first)}: SCHEDULED, starts in ${formatDuration(Math.max(first.scheduledStart - now, 0))}`;
}

/** The newest failure of the last day, which the user may not have seen; null if there is none. */
async function failedLately(context: Context, who: Actor): Promise<Advice | null> {
  const now = context.now();
  const statuses = ['FAILED'] as const;
  const since = now - LATELY_MS;
  const [failed] = await context.api.captures.list(who, {
    ...CAPTURES_ALONE,
    statuses,
    since,
    limit: 1,
  });
  if (failed === undefined) return null;
  const ago = failed.end === null ? '' : ` ${formatDuration(Math.max(now - failed.end, 0), 1)} ago`;
  return {
    says: [
      `${fullName(failed)}: FAILED${ago}${failed.reason === null ? '' : `, ${failed.reason}`}`,
    ],
    commands: [`captures get ${captureWord(failed)}`],
  };
}

/** A failure comes first: it matters most. */
function joined(advice: Advice, failed: Advice | null): Advice {
  if (failed === null) return advice;
  return {
    says: [...failed.says, ...advice.says],
    commands: [...failed.commands, ...advice.commands],
  };
}
