import { defineCommand } from '../command.ts';
import { noteVariable, shownServers } from '../../input/server-choice.ts';
import type { Context } from '../../runtime/context.ts';
import { serversHint } from '../../runtime/chosen-server.ts';
import { KnownServers, LOCAL } from '../../runtime/known-servers.ts';
import { serverNoun } from '../../render/known-servers-table.ts';
import { shellQuoted } from '../../render/shell-quoting.ts';
import { AppError } from '../../../core/errors.ts';

interface Options {
  readonly server: string;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command.argument('<server>', 'name of a server, or local for the store of this machine'),
  help: `Every command uses it from then on. For one command set CAPTURES_SERVER to a name or a URL instead.

Examples:
  captures server use captures.example.com
  captures server use local
  CAPTURES_SERVER=local captures list`,
  prints: serverNoun,
  run,
});

async function run({ server: name }: Options, context: Context): Promise<void> {
  const known = new KnownServers(context.paths);
  const server = name === LOCAL ? null : known.find(name);
  if (server === null && name !== LOCAL) {
    throw new AppError('not_found', `There is no server "${name}"`, {
      hint: serversHint(known, name),
    });
  }
  known.use(server === null ? null : name);
  if (server === null) await context.note('Commands use the store of this machine from now on.');
  else {
    const { user = null } = server.session ?? {};
    await context.note(
      user === null
        ? `Commands use ${name} from now on. Log in there: captures login NAME`
        : `Commands use ${name} from now on, as ${user}.`,
    );
  }
  await noteVariable(context, name);
  const shown = await shownServers(context);
  const row = shown.find((one) => one.name === name);
  if (row === undefined) throw new Error(`${shellQuoted(name)} is not listed`);
  await context.printIfAsked(serverNoun, row);
}
