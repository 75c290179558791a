import type { ServerLogs } from '../core/server-log.ts';
import type { Store } from '../core/store.ts';

/**
 * Looks at servers as `logs` does, and notes in the store how much was asked of one that is being
 * recorded: the server counts it as received and does not log it, so `verify` would miss it.
 */
export function notingLooks(
  logs: ServerLogs,
  store: () => Pick<Store, 'recordings' | 'taps'>,
): ServerLogs {
  let serverKey: string | null = null;
  const note = (commands: number): void => {
    // Nothing is written, and no lock waited for, where nothing is recorded.
    if (serverKey === null || store().taps.findByServer(serverKey) === null) return;
    store().recordings.addOtherCommands(serverKey, commands);
  };
  return {
    open: (address, storeId, onConnection) => logs.open(address, storeId, onConnection),
    async inspect(address, storeId) {
      const found = await logs.inspect(address, storeId);
      serverKey = found.server.key;
      note(found.commandsSent);
      return found;
    },
    async lookAhead(address, pause) {
      // Looks ahead follow a look at the same server.
      const found = await logs.lookAhead(address, pause);
      note(found.commandsSent);
      return found;
    },
  };
}
