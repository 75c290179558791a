import { hasLiveDaemon } from '../daemon/daemon-starter.ts';
import { AppError } from '../errors.ts';
import type { Outside } from '../outside.ts';
import type { ServerAddress } from './environment.ts';
import type { ServerInspection } from './server-inspection.ts';

/** What a look at servers needs. */
export type LookingOutside = Pick<Outside, 'store' | 'clock' | 'servers' | 'isLeftToDaemon'>;

/** Whether only the daemon may log in to a server: a live one can read the password, and this process cannot. */
export async function isLeftToDaemon(
  { store, clock, isLeftToDaemon }: LookingOutside,
  server: ServerAddress,
): Promise<boolean> {
  return hasLiveDaemon(store, clock.now()) && isLeftToDaemon(server);
}

/**
 * Looks at the server of an environment; changes nothing.
 * @throws AppError `remote_failed`, with hints that name it; `forbidden` where only the daemon may log in.
 */
export async function inspectServer(
  outside: LookingOutside,
  { name, server }: { readonly name: string; readonly server: ServerAddress },
): Promise<ServerInspection> {
  if (await isLeftToDaemon(outside, server)) {
    throw new AppError('forbidden', `The password of ${name} can be read only by the daemon`, {
      hint: { code: 'daemon_looks' },
    });
  }
  try {
    return await (await outside.servers()).inspect(server, outside.store.id);
  } catch (error) {
    throw namingEnvironment(error, name);
  }
}

/** What a server's source says knows no environments: in its hints the name is null. */
export function namingEnvironment<Failure>(error: Failure, name: string): Failure | AppError {
  if (!(error instanceof AppError) || error.hint === null) return error;
  if (typeof error.hint === 'string') return error;
  if (!('environment' in error.hint) || error.hint.environment !== null) return error;
  const hint = { ...error.hint, environment: name };
  return new AppError(error.code, error.message, { hint, cause: error });
}
