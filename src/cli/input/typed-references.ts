import { formatServerUrl, type ServerAddress } from '../../core/environments/environment.ts';
import { parsePasswordReference } from '../../core/environments/password-reference.ts';
import { checkReference } from '../../wiring.ts';
import type { Context } from '../runtime/context.ts';

/**
 * Looks at the file of a password before the reference to it is stored; says so where it cannot.
 * @throws AppError `invalid` for a file that no capture could use.
 */
export async function checkTypedReference(
  context: Context,
  reference: string | null,
): Promise<void> {
  // On a server its daemon's user has the file, and the server has checked that.
  if (reference === null || context.server !== null) return;
  const obstacle = await checkReference(reference);
  const parsed = parsePasswordReference(reference);
  if (obstacle === null || parsed.from === 'env') return;
  await context.note(
    `The password file ${parsed.path} ${obstacle} now; the user who records must be able to read it`,
  );
}

/**
 * In a store that others can write: notes that this user typed a reference, with the server it is for, so
 * that this user's processes may use it.
 * @param typed whether both were typed now; else it counts only where all the rest was typed before.
 */
export async function allowTypedReference(
  context: Context,
  typed: boolean,
  before: ServerAddress | null,
  after: ServerAddress | null,
): Promise<void> {
  if (after === null || after.passwordFrom === null || context.server !== null) return;
  const user = await context.credentials.user();
  if (before?.isConfined !== true && !user.isStoreShared()) return;
  if (!typed && (before === null || !user.file.holds(before))) {
    await context.note(
      `${user.name}'s commands may not use ${after.passwordFrom} for it yet, and daemons only where their --credentials or --credential-env allow it; to allow it, give --url and --password-from together.`,
    );
    return;
  }
  user.file.add(after);
  await context.note(
    `${user.name}'s daemons may use ${after.passwordFrom} for ${formatServerUrl(after)} (${after.sslMode}); noted in ${user.file.path}.`,
  );
}
