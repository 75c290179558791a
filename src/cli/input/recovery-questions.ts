import { AppError } from '../../core/errors.ts';
import type { RecoveryTarget } from '../../core/recovery/recovery-service.ts';
import type { Leftovers } from '../../core/environments/server-inspection.ts';
import { settingsText } from '../render/recovered-servers.ts';
import { formatCount, formatDuration, formatRelative, counted } from '../../core/units.ts';
import type { Context } from '../runtime/context.ts';
import { fullName } from '../render/full-name.ts';
import { askToType } from './confirmation.ts';

/**
 * Shows which captures would end, and asks where a prompt can be shown; what they recorded stays.
 * @throws AppError `declined`.
 */
export async function confirmEnding(
  context: Context,
  targets: readonly RecoveryTarget[],
): Promise<void> {
  const ending = targets.flatMap(({ pending }) => pending?.ending ?? []);
  if (ending.length === 0) return;
  if (!context.canPrompt) return;
  const prompter = await context.world.prompter();
  const now = context.now();
  await context.tell(`${counted(ending.length, 'capture')} would end now:`);
  for (const capture of ending) {
    const end =
      capture.scheduledEnd === null
        ? 'runs until it is stopped'
        : `was due to end ${formatRelative(capture.scheduledEnd, now, 2)}`;
    await context.tell(
      `  ${fullName(capture)} (id ${capture.id}), ${capture.status}, owner ${capture.ownerName}, ${end}`,
    );
  }
  await context.tell('To continue recording instead: captures daemon');
  const servers = targets.map(({ server }) => server).join(', ');
  if (
    !(await prompter.confirm(`End ${ending.length === 1 ? 'it' : 'them'} and restore ${servers}?`))
  ) {
    throw new AppError('declined', 'Nothing was changed');
  }
}

/**
 * Shows what is known of a lost recorder and what will be done, and has the environment's name typed.
 * Without a terminal only what would be lost needs a yes.
 * @throws AppError `declined`; `invalid` where no prompt can be shown.
 */
export async function confirmReclaim(
  context: Context,
  target: RecoveryTarget,
  leftovers: Leftovers,
): Promise<void> {
  const { saveTo } = target;
  const { name } = target.environment;
  if (saveTo !== null && !context.canPrompt) return;
  const prompter = await context.prompter(
    `What the lost recorder logged on the server of "${name}" would be dropped, and there is no terminal to confirm on`,
    'To drop it without confirmation add --yes; to keep it leave out --discard.',
  );
  for (const line of describeLeftovers(target, leftovers)) await context.tell(line);
  await context.tell(fact('statements', fateOf(target, leftovers)));
  const ask = "Type the environment's name to restore its server";
  await askToType(prompter, { expected: name, ask }, 'nothing changed');
}

/** Whose recorder it was, in a few words. */
function whose({ isOwnRecorder }: RecoveryTarget, { storeId }: Leftovers): string {
  if (storeId === null) return 'a recorder that the server no longer knows';
  return isOwnRecorder
    ? 'a recorder of this store, which the store has forgotten'
    : 'the recorder of another store';
}

function describeLeftovers(target: RecoveryTarget, leftovers: Leftovers): string[] {
  const { recorder, storeId, silentMs, lastSign, tables, settings } = leftovers;
  return [
    `The server of ${target.environment.name} (${target.server}) was left with its log on by ${whose(target, leftovers)}.`,
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
      `${settings === null ? 'unknown; stays ' : ''}${settingsText(target.settingsThen)}`,
    ),
    fact('dropped', `schema captures (${tables.join(', ')})`),
  ];
}

/** What becomes of what was logged. */
function fateOf({ goesToOwners, saveTo }: RecoveryTarget, { statements }: Leftovers): string {
  const number =
    statements === null
      ? 'statements logged and perhaps not recorded'
      : `${formatCount(statements)} logged and perhaps not recorded`;
  if (goesToOwners) {
    const also = saveTo === null ? '' : `, and are saved in ${saveTo}`;
    return `${number}: go to the server's own log table${also}`;
  }
  if (statements === 0) return 'none';
  if (saveTo !== null) return `${number}: saved in ${saveTo}`;
  return `${number}: LOST. To keep them leave out --discard`;
}

function fact(label: string, text: string): string {
  return `  ${label.padEnd(11)} ${text}`;
}
