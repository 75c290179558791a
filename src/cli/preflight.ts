import { shellQuoted } from '../core/shell.ts';
import type { Environment, ServerAddress } from '../core/environments/environment.ts';
import { AppError } from '../core/errors.ts';
import type { RecordingOptions } from '../core/captures/recording-options.ts';
import { findStrangerAtWork } from '../core/environments/server-identity.ts';
import { inspectServer as look } from '../core/environments/server-looks.ts';
import type { PrivilegeNeed, ServerInspection } from '../core/environments/server-inspection.ts';
import type { Store } from '../core/store.ts';
import type { Context } from './runtime/context.ts';
import { waitForLog, whyLogIsOff } from './log-switch.ts';

/** @param need what needs them, as the subject of the sentence. */
export function lacking(
  inspection: Pick<ServerInspection, 'account' | 'server'>,
  missing: readonly PrivilegeNeed[],
  need = 'recording',
): AppError {
  const { account, server } = inspection;
  return new AppError(
    'remote_failed',
    `${account} lacks privileges on ${server.hostname}:${server.port} that ${need} needs: ${missing
      .map(({ privilege }) => privilege)
      .join(', ')}`,
    { hint: ['Run there as an administrator:', ...grantsOf(missing)].join('\n') },
  );
}

/** Privileges that are missing and without which nothing can be recorded. */
function missingPrivileges(inspection: ServerInspection): PrivilegeNeed[] {
  return inspection.privileges.filter(
    (privilege) => privilege.required && privilege.state === 'missing',
  );
}

/**
 * Why a capture could not start on a server that was looked at; null when it could.
 * Held by another recorder is a conflict; a missing privilege is the server's refusal.
 */
export function whyNotRecordable(
  inspection: ServerInspection,
  taps: Pick<Store['taps'], 'listByServer' | 'connectionsOf'>,
  environment: string,
): AppError | null {
  const { schema, server } = inspection;
  const where = `${server.hostname}:${server.port}`;
  const missing = missingPrivileges(inspection);
  const stranger = findStrangerAtWork(inspection, taps);
  // One that is at work has its schema: where none is seen it cannot be known whose it is.
  if (stranger !== null && schema.state === 'none' && missing.length > 0) {
    return lacking(inspection, missing);
  }
  if (stranger !== null) {
    return new AppError(
      'conflict',
      `The statements of ${where} are already being recorded, by ${stranger.user ?? 'unknown user'} from ${stranger.host ?? 'unknown host'}`,
      { hint: 'A server can have one recorder at a time. Wait for it to end, or ask its owner.' },
    );
  }
  if (schema.state === 'foreign') {
    return new AppError(
      'conflict',
      `The schema "captures" on ${where} was not made by a recorder`,
      { hint: 'The recorder needs that name and never touches a schema of others: rename it.' },
    );
  }
  if (schema.state === 'from-dump') {
    return new AppError(
      'conflict',
      `The schema "captures" on ${where} came with a dump of a server that was being recorded`,
      { hint: 'No recorder runs on this server. To remove it: DROP DATABASE captures' },
    );
  }
  if (schema.state === 'other-store') {
    return new AppError(
      'conflict',
      `The schema "captures" on ${where} belongs to the recorder of another store (${schema.storeId ?? 'unknown'})`,
      {
        hint: `Let the daemon of that store end its captures. If it will never return: captures recover ${shellQuoted(environment)}`,
      },
    );
  }
  const [obstacle] = inspection.obstacles;
  if (obstacle !== undefined) {
    return new AppError('remote_failed', `${where}: ${obstacle.what}`, { hint: obstacle.hint });
  }
  return missing.length === 0 ? null : lacking(inspection, missing);
}

function grantsOf(privileges: readonly PrivilegeNeed[]): string[] {
  return [...new Set(privileges.map(({ grant }) => (grant.endsWith(';') ? grant : `${grant};`)))];
}

/** What to know before a capture starts on a server; that there is no dead-man switch, if one is wanted. */
export function warningsOf(
  { warnings, deadManObstacle }: ServerInspection,
  { deadMan }: Pick<RecordingOptions, 'deadMan'>,
): readonly string[] {
  return deadMan === null || deadManObstacle === null ? warnings : [...warnings, deadManObstacle];
}

/** @throws AppError as the same in core. */
export function inspectServer(
  context: Context,
  environment: { readonly name: string; readonly server: ServerAddress },
): Promise<ServerInspection> {
  return look(context.wiring.outside, environment);
}

/**
 * Looks at a server before anything is stored.
 * @returns what it found; null where only the daemon may log in there, and looks itself.
 * @throws AppError `remote_failed` (unreachable, refused, a privilege missing) or `conflict`
 *   (somebody else records it).
 */
export async function checkServer(
  context: Context,
  environment: Environment & { readonly server: ServerAddress },
  options: Pick<RecordingOptions, 'deadMan'>,
): Promise<ServerInspection | null> {
  if (await context.isLeftToDaemon(environment.server)) {
    await context.note('The daemon reads the password: it checks the server itself.');
    return null;
  }
  const look = async (): Promise<ServerInspection> => {
    const inspection = await inspectServer(context, environment);
    const refusal = whyNotRecordable(inspection, context.store.taps, environment.name);
    if (refusal !== null) throw refusal;
    return inspection;
  };
  const inspection = await look();
  const off = await whyLogIsOff(context, environment, inspection);
  if (off !== null) await waitForLog(context, off, look);
  for (const warning of warningsOf(inspection, options)) await context.warn(warning);
  return inspection;
}

/**
 * Looks at the server of a capture that starts later, where it does something there for the values of what
 * was prepared before; null where it does not, and where the server is not to be reached: it has to be there
 * at the start, not now.
 */
export async function lookAhead(
  ref: string,
  { warmUp, recycleUsers }: Pick<RecordingOptions, 'warmUp' | 'recycleUsers'>,
  context: Context,
): Promise<ServerInspection | null> {
  if (warmUp === null && recycleUsers === null) return null;
  const { name, server } = await context.api.environments.get(await context.actor(), ref);
  if (server === null) return null;
  try {
    return await inspectServer(context, { name, server });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    await context.note(`The server was not checked: ${error.message}`);
    return null;
  }
}
