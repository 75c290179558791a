import type { ServerAddress } from '../environments/environment.ts';
import { SENT_NOTHING, sumOf, type OwnCommands, type OwnTally } from './own-commands.ts';
import type { Source } from '../source.ts';
import { findTapOn } from '../environments/server-identity.ts';
import type { Store, TapRow } from '../store.ts';

/**
 * Inspects servers as `logs` does, and tells their recorders through the store which connections are ours
 * and how many commands they sent: those before sql_log_off stay out of every record, and `verify` does
 * not count commands as missing that the server counts and does not log.
 */
export function notingLooks(
  logs: Source,
  store: Pick<Store, 'environments' | 'recordings' | 'taps'>,
): Source {
  let tapId: number | null = null;
  /** Called before the first statement, so that the tap knows the connection before it reads the statement. */
  const announceTo = (address: ServerAddress) => (connectionId: number) => {
    for (const { id, serverStart } of tapsAt(address, store)) {
      store.taps.addConnection(id, { connectionId, serverStart });
    }
  };
  const tallyFor = (address: ServerAddress): LookTally =>
    new LookTally(store, new Set(tapsAt(address, store).map(({ id }) => id)));
  return {
    returnsStatements: (settings) => logs.returnsStatements(settings),
    open: (address, storeId, onConnection, tally, signal) =>
      logs.open(address, storeId, onConnection, tally, signal),
    async inspect(address, storeId) {
      const tally = tallyFor(address);
      const found = await logs.inspect(address, storeId, announceTo(address), tally);
      tapId = findTapOn(found, store.taps, null)?.id ?? null;
      if (tapId !== null) tally.noteAt(tapId);
      tally.settle();
      return found;
    },
    async forecast(address, pause) {
      const tally = tallyFor(address);
      // A forecast follows an inspection of the same server.
      const found = await logs.forecast(address, pause, announceTo(address), tally);
      if (tapId !== null) tally.noteAt(tapId);
      tally.settle();
      return found;
    },
  };
}

/** Commands noted at once; one inspection sends 10 to 40. */
const NOTED_AHEAD = 20;

/** Notes commands before they are sent: an inspection can fail half-way, or its user can interrupt it. */
class LookTally implements OwnTally {
  readonly #store: Pick<Store, 'recordings'>;
  /** The taps to tell. */
  readonly #taps: Set<number>;
  #counts = SENT_NOTHING;
  #noted = 0;
  /** Captures whose window was open before the first command. */
  readonly #open: readonly number[];

  constructor(store: Pick<Store, 'recordings'>, taps: Set<number>) {
    this.#store = store;
    this.#taps = taps;
    this.#open = [...taps].flatMap((id) => store.recordings.openOfTap(id));
  }

  add(commands: OwnCommands): void {
    this.#counts = sumOf(this.#counts, commands);
    while (this.#noted < this.#counts.questions) {
      this.#noted += NOTED_AHEAD;
      for (const id of this.#taps) this.#store.recordings.addOtherCommands(id, NOTED_AHEAD);
    }
  }

  counts(): OwnCommands {
    return this.#counts;
  }

  /** Says that the last command was answered: what was sent is known, and was sent in these windows. */
  settle(): void {
    for (const id of this.#open) this.#store.recordings.settleLook(id, this.#noted, this.#counts);
  }

  /** A server that is recorded under another address has to know as well. */
  noteAt(tapId: number): void {
    if (this.#taps.has(tapId)) return;
    this.#store.recordings.addOtherCommands(tapId, this.#noted);
    this.#taps.add(tapId);
  }
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
