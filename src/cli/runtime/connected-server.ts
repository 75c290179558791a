import type { Actor } from '../../core/access.ts';
import { AppError } from '../../core/errors.ts';
import { programVersion } from '../../package.ts';
import { connectToServer, type ConnectionOptions, type RemoteApi } from '../../remote-wiring.ts';
import { KnownServers, type KnownServer } from './known-servers.ts';
import { findPaths } from './paths.ts';
import type { SavedSession } from './session-file.ts';
import type { World } from './world.ts';

/** A server of captures whose store is used in place of one here. */
export interface ConnectedServer {
  readonly server: KnownServer;
  readonly api: RemoteApi;
  readonly session: SavedSession;
}

/** In place of an actor for the use cases of a server, which do not look at it: nothing of it is known here. */
export const KNOWN_THERE: Actor = {
  get userId(): never {
    throw unknownHere();
  },
  get userName(): never {
    throw unknownHere();
  },
  get isStoreAdmin(): never {
    throw unknownHere();
  },
  get scope(): never {
    throw unknownHere();
  },
};

function unknownHere(): Error {
  return new Error('A server was not asked who asks: see Context.actor');
}

/** @throws AppError `store_unusable` where the file of its certificates cannot be read. */
export async function connect(world: World, server: KnownServer): Promise<ConnectedServer> {
  const { ServerSessionFile } = await import('./server-session.ts');
  const { readCertificates } = await import('./server-certificates.ts');
  const { url, caFile } = server;
  const ca = caFile === null ? null : readCertificates(caFile);
  return {
    server,
    api: await connectToServer({
      url,
      ca,
      version: programVersion(),
      proxy: url.startsWith('https:') ? proxyOf(world.env) : null,
      signal: world.signals.interrupted,
      clock: world.clock,
    }),
    session: new ServerSessionFile(new KnownServers(findPaths(world)), server),
  };
}

/** As `curl` and `gh` read it; what is on this machine is asked directly. */
function proxyOf(env: World['env']): NonNullable<ConnectionOptions['proxy']> | null {
  const url = env['https_proxy'] ?? env['HTTPS_PROXY'] ?? '';
  if (url === '') return null;
  const notFor = env['no_proxy'] ?? env['NO_PROXY'] ?? '';
  return { url, notFor: ['localhost', '127.0.0.1', '[::1]', notFor].join() };
}

/** Stands in for the paths of a store: a command that opens one is told where it is. */
export function noStoreHere(server: KnownServer): { readonly store: string } {
  return {
    get store(): string {
      throw onlyOnServer('this', server);
    },
  };
}

/**
 * The refusal of what must be done where the store is.
 * @param what as it is typed there, `captures init`; or `this`.
 */
export function onlyOnServer(what: string, { name }: KnownServer): AppError {
  const isCommand = what.startsWith('captures ');
  const done = isCommand ? `${what} is run` : 'This is done';
  const again = isCommand ? `CAPTURES_SERVER=local ${what}` : 'captures server use local';
  return new AppError(
    'invalid',
    `${done} on the server's machine, and you use the server ${name}`,
    {
      hint: `Run it there. For the store of this machine: ${again}`,
    },
  );
}
