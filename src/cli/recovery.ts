import { shellQuoted } from '../core/shell.ts';
import { findTapOn } from '../core/environments/server-identity.ts';
import type { Environment } from '../core/environments/environment.ts';
import { AppError } from '../core/errors.ts';
import type { RecoveryService, ServerDebt } from '../core/recovery/recovery-service.ts';
import {
  settingsThen,
  type Leftovers,
  type ServerInspection,
} from '../core/environments/server-inspection.ts';
import type { ServerSettings } from '../core/source.ts';
import type { ListedCapture } from '../core/store.ts';
import { goesToOwners, SILENT_MS } from '../daemon/reclaim.ts';
import type { ServerEnvironment } from '../daemon/tap-context.ts';
import type { Context } from './runtime/context.ts';
import { findStrangerAtWork, inspectServer } from './preflight.ts';
import { settingsText } from './render/recovery.ts';
import { formatCount, formatDuration, formatRelative } from './render/units.ts';

/** A server to give back, as a look at it and at the store found it. */
export interface RecoveryTarget {
  readonly environment: ServerEnvironment;
  /** `host:port`, as the server calls itself. */
  readonly server: string;
  /** What this store owes it; null for nothing. */
  readonly debt: ServerDebt | null;
  /** What a recorder left there that this store knows nothing of; null for nothing. */
  readonly leftovers: Leftovers | null;
  /** Statements in the recorder's tables there; null where that is not known. */
  readonly logged: number | null;
  /** What its log is set to now. */
  readonly settings: ServerSettings;
}

/**
 * Looks at the server of an environment; changes nothing.
 * @throws AppError `invalid` for one without a server; `remote_failed`; `conflict` when a recorder of
 *   somebody else is at work, or the environment leads to another server than the one that is owed.
 */
export async function lookAtServer(
  context: Context,
  service: RecoveryService,
  environment: Environment,
): Promise<RecoveryTarget> {
  const { name, server: address } = environment;
  if (address === null) {
    throw new AppError('invalid', `The environment "${name}" has no server: it is metrics-only`);
  }
  const { store } = context;
  const inspection = await inspectServer(context, { name, server: address });
  const { hostname, port } = inspection.server;
  const tap = findTapOn(inspection, store.taps, environment.id);
  const elsewhere = store.taps.list().find((row) => row.environmentId === environment.id);
  if (tap === null && elsewhere !== undefined) {
    throw new AppError(
      'conflict',
      `The environment "${name}" leads to another server now (${hostname}:${port}) than the one whose log was switched on`,
      {
        hint: `Point it back at the first one: captures env edit ${shellQuoted(name)} --url mysql://USER@HOST`,
      },
    );
  }
  refuseHeld(context, inspection);
  const isOwn = tap !== null && inspection.schema.state !== 'other-store';
  return {
    environment: { ...environment, server: address },
    server: `${hostname}:${port}`,
    debt: tap === null ? null : service.debtOf(tap),
    leftovers: isOwn ? null : inspection.leftovers,
    logged: inspection.leftovers?.statements ?? null,
    settings: inspection.settings,
  };
}

/** Our own connection of before a crash is taken the lock from; nobody else's is. */
function refuseHeld({ store }: Context, inspection: ServerInspection): void {
  const holder = findStrangerAtWork(inspection, store.taps);
  if (holder === null) return;
  const { hostname, port } = inspection.server;
  throw new AppError(
    'conflict',
    `A recorder is at work on ${hostname}:${port}: ${holder.user ?? 'unknown user'} from ${holder.host ?? 'unknown host'} (connection ${holder.connectionId})`,
    { hint: 'It restores the server by itself when its last capture ends.' },
  );
}

const LOOK_MS = 1_000;

/**
 * Makes sure that the recorder which left a server switched on is not between two connections: one
 * that is alive takes its lock again within seconds. One that was heard of lately is watched for.
 * @returns what is left there now; null when it was given back meanwhile.
 * @throws AppError `conflict` when it came back.
 */
export async function watchUntilSilent(
  context: Context,
  target: RecoveryTarget,
): Promise<Leftovers | null> {
  const { world, store } = context;
  const logs = await context.wiring.servers();
  let { leftovers } = target;
  const lastSign = leftovers?.lastSign;
  let isSaid = false;
  while (leftovers !== null && leftovers.silentMs !== null && leftovers.silentMs < SILENT_MS) {
    if (!isSaid) {
      isSaid = true;
      await context.note(
        `its recorder (${leftovers.recorder ?? 'unknown'}) was heard of ${formatDuration(leftovers.silentMs)} ago: watching for ${formatDuration(SILENT_MS - leftovers.silentMs)} whether it comes back (--force does not wait)`,
      );
    }
    await world.clock.sleep(LOOK_MS, world.signals.interrupted);
    world.signals.interrupted.throwIfAborted();
    const inspection = await logs.inspect(target.environment.server, store.id);
    refuseHeld(context, inspection);
    leftovers = inspection.leftovers;
    if (leftovers !== null && leftovers.lastSign !== lastSign) {
      throw new AppError('conflict', 'The recorder of this server is alive', {
        hint: 'It restores the server by itself when its last capture ends.',
      });
    }
  }
  return leftovers;
}

/**
 * Shows which captures would end, and asks where there is somebody to ask: what they recorded stays.
 * @throws AppError `declined`.
 */
export async function confirmEnding(
  context: Context,
  targets: readonly RecoveryTarget[],
): Promise<void> {
  const ending = targets.flatMap(({ debt }) => debt?.ending ?? []);
  if (ending.length === 0) return;
  const many = ending.length === 1 ? 'A capture' : `${formatCount(ending.length)} captures`;
  const are = ending.length === 1 ? 'is' : 'are';
  if (!context.canPrompt) return;
  const prompter = await context.world.prompter();
  const now = context.now();
  await context.tell(`${many} that ${are} not over would end now:`);
  for (const capture of ending) {
    const end =
      capture.scheduledEnd === null
        ? 'runs until it is stopped'
        : `was to end ${formatRelative(capture.scheduledEnd, now, 2)}`;
    await context.tell(
      `  ${nameOf(capture)}, ${capture.status}, owner ${capture.ownerName}, ${end}`,
    );
  }
  await context.tell('To go on with what is being recorded instead: captures daemon');
  const servers = targets.map(({ server }) => server).join(', ');
  if (
    !(await prompter.confirm(`End ${ending.length === 1 ? 'it' : 'them'} and restore ${servers}?`))
  ) {
    throw new AppError('declined', 'Nothing was changed');
  }
}

function nameOf({ environmentName, name, id }: ListedCapture): string {
  return `${environmentName}/${name} (id ${id})`;
}

/**
 * Shows what is known of a lost recorder and what will be done, and has the environment's name typed.
 * Without a terminal only what would be lost needs a yes.
 * @throws AppError `declined`; `invalid` where nobody can be asked.
 */
export async function confirmReclaim(
  context: Context,
  target: RecoveryTarget,
  leftovers: Leftovers,
  saveTo: string | null,
): Promise<void> {
  const { name } = target.environment;
  if (saveTo !== null && !context.canPrompt) return;
  const prompter = await context.prompter(
    `What the lost recorder logged on the server of "${name}" would be dropped, and there is no terminal to ask on`,
    'To drop it without being asked add --yes; to keep it leave out --discard.',
  );
  for (const line of describeLeftovers(context, target, leftovers)) await context.tell(line);
  await context.tell(fact('statements', fateOf(target, leftovers, saveTo)));
  const answer = await prompter.ask("Type the environment's name to restore its server");
  if (answer.trim() !== name) {
    throw new AppError('declined', 'The name does not match; nothing changed');
  }
}

/** Whose recorder it was, in a few words. */
function whose(context: Context, { storeId }: Leftovers): string {
  if (storeId === null) return 'a recorder of which the server knows nothing any more';
  return storeId === context.store.id
    ? 'a recorder of this store, which the store has forgotten'
    : 'the recorder of another store';
}

function describeLeftovers(
  context: Context,
  target: RecoveryTarget,
  leftovers: Leftovers,
): string[] {
  const { recorder, storeId, silentMs, lastSign, tables, settings } = leftovers;
  const then = settingsThen(leftovers, target.settings);
  return [
    `The server of ${target.environment.name} (${target.server}) was left switched on by ${whose(context, leftovers)}.`,
    fact('recorder', recorder === null ? 'unknown' : `${recorder}, store ${storeId ?? 'unknown'}`),
    fact(
      'silent',
      silentMs === null || lastSign === null
        ? 'unknown since when'
        : `for ${formatDuration(silentMs)}, since ${lastSign}`,
    ),
    fact('log now', settingsText(target.settings)),
    fact(
      'log then',
      `${settings === null ? 'not known; it is left with ' : ''}${settingsText(then)}`,
    ),
    fact('dropped', `schema captures (${tables.join(', ')})`),
  ];
}

/** What becomes of what was logged. */
function fateOf(target: RecoveryTarget, leftovers: Leftovers, saveTo: string | null): string {
  const { statements } = leftovers;
  const number =
    statements === null
      ? 'what is logged and perhaps not recorded'
      : `${formatCount(statements)} logged and perhaps not recorded`;
  if (goesToOwners(settingsThen(leftovers, target.settings))) {
    const also = saveTo === null ? '' : `, and are saved in ${saveTo}`;
    return `${number}: go to the server's own log table${also}`;
  }
  if (saveTo !== null) return `${number}: saved in ${saveTo}`;
  return statements === 0 ? 'none' : `${number}: LOST. To keep them leave out --discard`;
}

function fact(label: string, text: string): string {
  return `  ${label.padEnd(11)} ${text}`;
}
