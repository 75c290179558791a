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
  const actor = await context.actor();
  const { userName, isStoreAdmin, kind, expiresAt, scope } = actor;
  // Within a scope of environments no others are listed.
  const mine = scope.environmentIds === null ? null : await context.api.environments.list(actor);
  await context.printOne(identityNoun, {
    user: userName,
    isStoreAdmin,
    kind,
    expiresAt,
    isReadOnly: scope.isReadOnly,
    environments: mine?.map(({ name }) => name) ?? null,
    ...context.whereStoreIs,
  });
}
