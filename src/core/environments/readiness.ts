import { AppError } from '../errors.ts';
import type { RecordingOptions } from '../captures/recording-options.ts';
import type { Notice } from '../notices.ts';
import type { Outside } from '../outside.ts';
import type { Store } from '../store.ts';
import { coverageOf, type Coverage } from '../warm-ups/value-coverage.ts';
import type { ServerEnvironment } from './environment.ts';
import { findStrangerAtWork } from './server-identity.ts';
import type { PrivilegeNeed, ServerInspection } from './server-inspection.ts';
import { inspectServer, namingEnvironment, type LookingOutside } from './server-looks.ts';

/** What a look at an environment's server says of recording there. */
export interface Readiness {
  readonly environment: ServerEnvironment;
  readonly inspection: ServerInspection;
  readonly coverage: Coverage;
  /** The recorder's lock is held, by our own store's daemon. */
  readonly isHeldByUs: boolean;
  /** Why no capture could start, but for a log that its owner has to switch on; null when one could. */
  readonly refusal: AppError | null;
}

/**
 * Looks at the server of an environment, and at what the store knows of it; changes nothing.
 * @throws AppError as `inspectServer`.
 */
export async function readServer(
  outside: LookingOutside,
  environment: ServerEnvironment,
): Promise<Readiness> {
  const { store } = outside;
  const inspection = await inspectServer(outside, environment);
  const refusal = whyNotRecordable(inspection, store.taps, environment.name);
  return {
    environment,
    inspection,
    coverage: coverageOf(inspection.values, store.warmUps.listOf(environment.id)),
    isHeldByUs: inspection.lockHolder !== null && refusal?.code !== 'conflict',
    refusal,
  };
}

/** Held by another recorder is a conflict; a missing privilege is the server's refusal. */
export function whyNotRecordable(
  inspection: ServerInspection,
  taps: Pick<Store['taps'], 'listByServer' | 'connectionsOf'>,
  environment: string,
): AppError | null {
  const { schema, schemaConflict, place } = inspection;
  const missing = inspection.privileges.filter(
    ({ required, state }) => required && state === 'missing',
  );
  const stranger = findStrangerAtWork(inspection, taps);
  // One that is at work has its schema: where none is seen it cannot be known whose it is.
  if (stranger !== null && (schema.state !== 'none' || missing.length === 0)) {
    return new AppError(
      'conflict',
      `The statements of ${place} are already being recorded, by ${stranger.user ?? 'unknown user'} from ${stranger.host ?? 'unknown host'}`,
      { hint: 'A server can have one recorder at a time. Wait for it to end, or ask its owner.' },
    );
  }
  if (schemaConflict !== null) {
    const { what, hint } = schemaConflict;
    return namingEnvironment(new AppError('conflict', what, { hint }), environment);
  }
  const [obstacle] = stranger === null ? inspection.obstacles : [];
  if (obstacle !== undefined) {
    return new AppError('remote_failed', `${place}: ${obstacle.what}`, { hint: obstacle.hint });
  }
  return missing.length === 0 ? null : lacking(inspection, missing, 'recording');
}

/** @param need what needs them, as the subject of the sentence. */
function lacking(
  { account, place }: ServerInspection,
  missing: readonly PrivilegeNeed[],
  need: string,
): AppError {
  const grants = missing.map(({ grant }) => (grant.endsWith(';') ? grant : `${grant};`));
  return new AppError(
    'remote_failed',
    `${account} lacks privileges on ${place} that ${need} needs: ${missing
      .map(({ privilege }) => privilege)
      .join(', ')}`,
    { hint: ['Run there as an administrator:', ...new Set(grants)].join('\n') },
  );
}

/** Why the sessions that are to be ended could not be; null where they could, and where none has to be. */
export function whyNoRecycling(
  inspection: ServerInspection,
  { recycleUsers }: RecordingOptions,
): AppError | null {
  const { recycling, recyclingObstacle, values } = inspection;
  if (recycleUsers === null || values.logged === 'always') return null;
  if (recyclingObstacle !== null) {
    return new AppError('invalid', recyclingObstacle, { hint: { code: 'restart_pools' } });
  }
  const missing = recycling.filter(({ state }) => state === 'missing');
  return missing.length === 0 ? null : lacking(inspection, missing, 'session recycling');
}

/** What to run where a log that only its owner switches on records nothing; null where it does. */
export async function whyLogIsOff(
  { logSwitchCommands }: Pick<Outside, 'logSwitchCommands'>,
  { inspection, environment }: Readiness,
): Promise<AppError | null> {
  if (inspection.logOff === null) return null;
  const { name, instance } = environment;
  const commands = await logSwitchCommands(environment, 'recording');
  return new AppError('remote_failed', inspection.logOff, {
    hint: { code: 'switch_log_on', withoutInstance: instance === null ? name : null, commands },
  });
}

/** What to know before a capture starts on a server; that there is no dead-man switch, if one is wanted. */
export function warningsOf(
  { warnings, deadManObstacle }: ServerInspection,
  { deadMan }: Pick<RecordingOptions, 'deadMan'>,
): readonly string[] {
  return deadMan === null || deadManObstacle === null ? warnings : [...warnings, deadManObstacle];
}

/** That values are recorded without a warm-up; null where one is needed. */
export function warmUpNotNeeded({ inspection }: Readiness): Notice | null {
  const { logged, ownersLog } = inspection.values;
  if (logged !== 'always' && ownersLog === null) return null;
  return { code: 'warm_up_not_needed', server: inspection.server, ownersLog };
}
