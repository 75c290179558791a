import { defineCommand } from './command.ts';
import type { Context } from '../runtime/context.ts';
import { identityNoun } from '../render/identity.ts';

export const command = defineCommand<object>({
  help: `Examples:
  captures whoami
  captures whoami -o name`,
  prints: identityNoun,
  run,
});

async function run(_options: object, context: Context): Promise<void> {
  const { userName, isStoreAdmin, kind, expiresAt } = await context.actor();
  await context.printOne(identityNoun, {
    user: userName,
    isStoreAdmin,
    kind,
    expiresAt,
    store: context.storeFolder,
  });
}
