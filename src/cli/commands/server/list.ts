import { defineCommand } from '../command.ts';
import { shownServers } from '../../input/server-choice.ts';
import type { Context } from '../../runtime/context.ts';
import { serverNoun } from '../../render/known-servers-table.ts';

export const command = defineCommand<object>({
  help: `Lists the servers that you logged in to with captures login NAME --server URL, and local, the store of this machine.
It asks none of them: a session may have ended there.

Examples:
  captures server list
  captures server list --json`,
  prints: serverNoun,
  run,
});

async function run(_options: object, context: Context): Promise<void> {
  await context.print(serverNoun, await shownServers(context));
}
