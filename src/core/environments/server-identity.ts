import type { LockHolder, ServerInspection } from './server-inspection.ts';
import type { Store, TapRow } from '../store.ts';

/**
 * The tap of this store that is at work on a server that was looked at, or has its settings to restore.
 * The nonce in the server's marker decides; where there is no marker, what the server calls itself, and
 * then only for a tap that has not written one yet, that cannot, or that is of the environment
 * through which the server was reached.
 * @param environmentId null where that is not known.
 * @returns null when there is none, and for a server that only calls itself as one that is recorded.
 */
export function findTapOn(
  { server, schema, logSwitch }: Pick<ServerInspection, 'server' | 'schema' | 'logSwitch'>,
  taps: Pick<Store['taps'], 'listByServer'>,
  environmentId: number | null,
): TapRow | null {
  const rows = taps.listByServer(server.key);
  if (schema.nonce !== null) return rows.find(({ nonce }) => nonce === schema.nonce) ?? null;
  const mayBeUnmarked = (row: TapRow): boolean =>
    row.serverStart === null ||
    row.nonce === row.serverKey ||
    logSwitch === 'owner' ||
    row.environmentId === environmentId;
  return rows.find(mayBeUnmarked) ?? null;
}

/** Who holds the recorder's lock of a server; null when nobody does, or this store's own recorder. */
export function findStrangerAtWork(
  inspection: ServerInspection,
  taps: Pick<Store['taps'], 'listByServer' | 'connectionsOf'>,
): LockHolder | null {
  const { lockHolder } = inspection;
  if (lockHolder === null) return null;
  const tap = findTapOn(inspection, taps, null);
  const own = tap === null ? [] : taps.connectionsOf(tap.id);
  const isOwn = own.some(({ connectionId }) => connectionId === lockHolder.connectionId);
  return isOwn ? null : lockHolder;
}
