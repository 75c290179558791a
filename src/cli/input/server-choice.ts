import { resolve } from 'node:path';
import { AppError, isAppError } from '../../core/errors.ts';
import { checkName } from '../../core/names.ts';
import { Context } from '../runtime/context.ts';
import { SERVER_VARIABLE } from '../runtime/chosen-server.ts';
import { KnownServers, LOCAL, type KnownServer } from '../runtime/known-servers.ts';
import { readCertificates } from '../runtime/server-certificates.ts';
import { looksLikePlace, parseServerPlace } from '../runtime/server-places.ts';
import type { ShownServer } from '../render/known-servers-table.ts';

/** What `login` is told of a server. */
export interface ServerOptions {
  /** A URL, or the name of one that is known. */
  readonly server?: string;
  readonly serverName?: string;
  readonly serverCa?: string;
}

/**
 * The server that a login is for, with what is known of it.
 * @returns null where none is named.
 * @throws AppError `invalid` for a URL or a file that cannot be meant, or a name that another server has.
 */
export function typedServer(options: ServerOptions, context: Context): KnownServer | null {
  const { server: typed, serverName, serverCa } = options;
  if (typed === undefined) {
    if (serverName === undefined && serverCa === undefined) return null;
    const flag = serverCa === undefined ? '--server-name' : '--server-ca';
    throw new AppError('invalid', `${flag} is about a server, and there is no --server`);
  }
  const known = new KnownServers(context.paths);
  const caFile = serverCa === undefined ? null : resolve(context.world.cwd, serverCa);
  if (caFile !== null) readCertificates(caFile, null);
  const named = looksLikePlace(typed) ? null : known.find(typed);
  const place = named ?? parseServerPlace(typed);
  if (caFile !== null && place.url.startsWith('http:')) {
    throw new AppError('invalid', `--server-ca is for https, and this is ${place.url}`, {
      hint: `If it is https: --server ${place.url.replace('http:', 'https:')}`,
    });
  }
  const sameUrl = known.list().find(({ url }) => url === place.url) ?? null;
  const name = serverName === undefined ? (sameUrl ?? place).name : checkServerName(serverName);
  const before = known.find(name);
  if (before !== null && before.url !== place.url) {
    throw new AppError('invalid', `The server "${name}" is ${before.url}`, {
      hint: `Give this one another name with --server-name, or forget that one: captures server remove ${name}`,
    });
  }
  return {
    name,
    url: place.url,
    caFile: caFile ?? before?.caFile ?? sameUrl?.caFile ?? null,
    session: before?.session ?? null,
  };
}

function checkServerName(name: string): string {
  if (name === LOCAL) {
    throw new AppError('invalid', `"${LOCAL}" is the name of the store of this machine`);
  }
  if (looksLikePlace(name)) {
    throw new AppError('invalid', `The name "${name}" would read as a URL`, {
      hint: 'For example: --server-name work',
    });
  }
  return checkName('server', name);
}

/** The store of this machine and the servers, as they are listed. */
export async function shownServers(context: Context): Promise<ShownServer[]> {
  const known = new KnownServers(context.paths);
  const current = currentName(context);
  const servers = known.list().map(({ name, url, session }) => ({
    name,
    url,
    user: session?.user ?? null,
    expiresAt: session?.expiresAt ?? null,
    isCurrent: name === current,
  }));
  return [{ ...(await localOne(context)), isCurrent: current === LOCAL }, ...servers];
}

/** What commands use now. */
function currentName(context: Context): string {
  const said = context.world.env[SERVER_VARIABLE]?.trim() ?? '';
  if (said !== '') return context.server?.name ?? LOCAL;
  return new KnownServers(context.paths).current() ?? LOCAL;
}

async function localOne({ world, options }: Context): Promise<Omit<ShownServer, 'isCurrent'>> {
  const local = new Context(world, options, []);
  const nobody = { name: LOCAL, url: null, user: null, expiresAt: null };
  try {
    if (!local.wiring.hasStore) return nobody;
    const secret = local.session.read();
    if (secret === null) return nobody;
    const { userName, expiresAt } = await local.api.users.authenticate(secret);
    return { ...nobody, user: userName, expiresAt };
  } catch (error) {
    // A store that cannot be used is said by the commands that use it.
    if (isAppError(error)) return nobody;
    throw error;
  } finally {
    local.close();
  }
}

/** Warns where the variable says something else than what was just chosen. */
export async function noteVariable(context: Context, chosen: string): Promise<void> {
  const said = context.world.env[SERVER_VARIABLE]?.trim() ?? '';
  if (said === '' || said === chosen) return;
  await context.warn(
    `${SERVER_VARIABLE} is set: it is used instead of ${chosen} until you unset it.`,
  );
}
