import type { ServerAddress } from '../core/environments.ts';
import type { ServerLogs } from '../core/server-log.ts';
import { findTapOn } from '../core/server-identity.ts';
import type { Store, TapRow } from '../core/store.ts';

/**
 * Looks at servers as `logs` does, and leaves word in the store for whoever is recording one: which
 * connections are ours, so that what they say until their log is off is in nobody's record, and how
 * much was asked, which the server counts as received and does not log, so that `verify` would miss it.
 */
export function notingLooks(
  logs: ServerLogs,
  store: () => Pick<Store, 'environments' | 'recordings' | 'taps'>,
): ServerLogs {
  let tapId: number | null = null;
  const note = (commands: number): void => {
    // Nothing is written, and no lock waited for, where nothing is recorded.
    if (tapId !== null) store().recordings.addOtherCommands(tapId, commands);
  };
  /** Called before the first statement, so that the tap cannot read it before it knows whose it is. */
  const announceTo = (address: ServerAddress) => (connectionId: number) => {
    for (const { id, serverStart } of tapsAt(address, store())) {
      store().taps.addConnection(id, { connectionId, serverStart });
    }
  };
  return {
    open: (address, storeId, onConnection) => logs.open(address, storeId, onConnection),
    async inspect(address, storeId) {
      const found = await logs.inspect(address, storeId, announceTo(address));
      tapId = findTapOn(found, store().taps, null)?.id ?? null;
      note(found.commandsSent);
      return found;
    },
    async lookAhead(address, pause) {
      // Looks ahead follow a look at the same server.
      const found = await logs.lookAhead(address, pause, announceTo(address));
      note(found.commandsSent);
      return found;
    },
  };
}

/** Taps whose server is reached in the same way: before the first answer nothing else is known of it. */
function tapsAt(
  { host, port, socket }: ServerAddress,
  { environments, taps }: Pick<Store, 'environments' | 'taps'>,
): TapRow[] {
  return taps.list().filter(({ environmentId }) => {
    const other = environments.find(environmentId)?.server;
    if (other == null) return false;
    return socket === null
      ? other.socket === null && other.host === host && other.port === port
      : other.socket === socket;
  });
}
