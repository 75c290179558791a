import { randomUUID } from 'node:crypto';
import type { ServerEnvironment } from '../core/environments/environment.ts';
import type { KnownChanges, OpenSource } from '../core/source.ts';
import type { Store, TapRow } from '../core/store.ts';
import type { RecordingFacts } from '../core/workloads/workload.ts';
import { findRow, requireSameServer, type OtherTaps } from './server-proof.ts';
import type { TapContext, TapMemory } from './tap-context.ts';

/** A server that is locked for this tap, and the tap's row. */
interface ReachedServer {
  readonly server: OpenSource;
  readonly row: TapRow;
}

/**
 * Connects, makes sure that it is the tap's own server, takes its lock and saves what is to be restored.
 * Changes nothing on the server.
 * @param others the other taps of this daemon: one of them may read this server.
 * @param signal aborted, drops every connection, also after this.
 * @throws AppError; ServerTaken; LeaseLost.
 */
export async function reachServer(
  context: TapContext,
  environment: ServerEnvironment,
  memory: TapMemory,
  { others, signal }: { readonly others: OtherTaps; readonly signal: AbortSignal },
): Promise<ReachedServer> {
  const { store, commit, source } = context;
  // Before anything is sent, where the server is known by then.
  adoptCommands(context, memory);
  const server = await source.open(
    environment.server,
    store.id,
    (connection) => {
      const { row } = memory;
      if (row !== null) commit(() => store.taps.addConnection(row.id, connection));
    },
    memory.own,
    signal,
  );
  try {
    const row = await claimServer(context, environment, memory, server, others);
    adoptCommands(context, memory);
    const { connectionId, serverStart } = server;
    commit(() => store.taps.addConnection(row.id, { connectionId, serverStart }));
    server.attach({
      id: row.id,
      nonce: row.nonce,
      settings: row.settings,
      // What an earlier connection committed since.
      readUpTo: store.taps.find(row.id)?.batch ?? 0,
      own: store.taps.connectionsOf(row.id),
      known: knownChanges(store, row.id, serverStart),
    });
    if (memory.life.is('connecting')) memory.life.moveTo({ name: 'connected' });
    return { server, row };
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** Takes the server's lock for the tap, which gets a row where it has none. */
async function claimServer(
  context: TapContext,
  environment: ServerEnvironment,
  memory: TapMemory,
  server: OpenSource,
  others: OtherTaps,
): Promise<TapRow> {
  const { store, commit, clock } = context;
  const { key } = server.server;
  // Asked and known without a pause between: of two taps that reach a server at once, one waits for the
  // other.
  const earlier = others.at(key);
  memory.serverKey = key;
  if (memory.row === null) {
    memory.row = await findRow(context, environment, server, earlier, (id) => others.hasRow(id));
  } else {
    const { nonce } = await server.marks();
    // Another name is another server: nonce or none.
    requireSameServer(memory.row, memory.row.serverKey === key ? nonce : '');
  }
  await server.lock(memory.row === null ? [] : store.taps.connectionsOf(memory.row.id));
  if (memory.row !== null) return memory.row;
  const settings = await server.settingsToRestore();
  // Saved before anything is touched: from here on a crash cannot lose what to go back to.
  memory.row = commit(() =>
    store.taps.insert(
      { serverKey: key, nonce: randomUUID(), environmentId: environment.id, settings },
      clock.now(),
    ),
  );
  return memory.row;
}

/** What the store knows that this tap has on a server in this life of it. */
function knownChanges(store: Store, tapId: number, serverStart: number): KnownChanges {
  const isWarm = store.warmUps.listOfTap(tapId).some((one) => one.serverStart === serverStart);
  const recycled = store.recordings.listOfTap(tapId).flatMap(({ facts }) => {
    const { recycled: one } = JSON.parse(facts ?? '{}') as Partial<RecordingFacts>;
    return one === undefined || one.isOver ? [] : [one];
  });
  return {
    warmSince: isWarm ? serverStart : null,
    changedForRecycling: recycled.some(({ installedPlugin }) => installedPlugin),
    isRecycling: recycled.length > 0,
  };
}

/** Goes on counting our own commands from where the daemon before us was. */
function adoptCommands({ store, commit }: TapContext, { row, own }: TapMemory): void {
  if (row === null) return;
  own.adopt(row.ownCommands, (stored) => commit(() => store.taps.saveOwnCommands(row.id, stored)));
}
