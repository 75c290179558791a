import { defineCommand } from '../command.ts';
import { shownServers } from '../../input/server-choice.ts';
import { connect } from '../../runtime/connected-server.ts';
import type { Context } from '../../runtime/context.ts';
import { serversHint } from '../../runtime/chosen-server.ts';
import { KnownServers, LOCAL, type KnownServer } from '../../runtime/known-servers.ts';
import { serverNoun } from '../../render/known-servers-table.ts';
import { localTime } from '../../render/moments.ts';
import { AppError } from '../../../core/errors.ts';

interface Options {
  readonly server: string;
}

export const command = defineCommand<Options>({
  declare: (command) => command.argument('<server>', 'name of a server'),
  help: `Ends your session there and forgets the server; nothing else changes on it. If it was in use, the store of this machine is used from then on.

Example:
  captures server remove captures.example.com`,
  prints: serverNoun,
  run,
});

async function run({ server: name }: Options, context: Context): Promise<void> {
  if (name === LOCAL) {
    throw new AppError('invalid', `${LOCAL} is the store of this machine, not a server`);
  }
  const known = new KnownServers(context.paths);
  const server = known.find(name);
  if (server === null) {
    throw new AppError('not_found', `There is no server "${name}"`, {
      hint: serversHint(known, name),
    });
  }
  const wasCurrent = known.current() === name;
  const row = (await shownServers(context)).find((one) => one.name === name);
  await endSession(context, server);
  known.remove(name);
  await context.note(
    wasCurrent
      ? `Removed ${name}. Commands use the store of this machine from now on.`
      : `Removed ${name}.`,
  );
  if (row !== undefined) await context.printIfAsked(serverNoun, row);
}

/** A server that cannot be asked is forgotten all the same. */
async function endSession(context: Context, server: KnownServer): Promise<void> {
  const { session } = server;
  if (session === null || session.expiresAt <= context.now()) return;
  try {
    const { api } = await connect(context.world, server);
    await api.users.logout(session.secret).finally(() => api.close());
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const until = localTime(session.expiresAt, context.timeZone);
    await context.warn(
      `${error.message}: your session there was not ended, and is valid until ${until}`,
    );
  }
}
