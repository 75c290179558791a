import type { Command } from 'commander';
import { loaded } from '../command.ts';
import type { Context } from '../runtime/context.ts';
import { identityNoun } from '../render/identity.ts';

export function registerWhoami(
  command: Command,
  run: (options: Record<string, never>) => Promise<void>,
): void {
  command
    .addHelpText(
      'after',
      `
Examples:
  captures whoami
  captures whoami -o name

JSON fields: user, storeAdmin, by, expiresAt, store`,
    )
    .action(() => run({}));
}

export async function runWhoami(
  _options: Record<string, never>,
  context: Context,
): Promise<number> {
  const { userName, isStoreAdmin, kind, expiresAt } = await context.actor();
  await context.printOne(identityNoun, {
    user: userName,
    isStoreAdmin,
    kind,
    expiresAt,
    store: context.storeFolder,
  });
  return 0;
}

export const command = loaded(registerWhoami, runWhoami);
