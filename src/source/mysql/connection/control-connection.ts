import type { ServerAddress } from '../../../core/environments/environment.ts';
import type { OwnTally } from '../../../core/verification/own-commands.ts';
import type { OwnConnection } from '../../../core/source.ts';
import type { NoTimes } from '../../../core/reports/server-times.ts';
import { whyNoTimes } from '../counters/statement-digests.ts';
import { CommandTally } from './command-tally.ts';
import { MysqlConnection } from './mysql-connection.ts';
import { flavorOf, type MysqlIdentity } from './flavor.ts';
import { OwnConnections } from './own-connections.ts';
import { prepareSession, readServerStart } from './recorder-session.ts';

/** The recorder's first connection to a server, and what further ones are made with. */
export interface OpenedServer {
  readonly control: MysqlConnection;
  readonly server: MysqlIdentity;
  readonly serverStart: number;
  /** Why the server has no times of statements; null where it may have some. */
  readonly noTimes: NoTimes | null;
  /** Grows, because rows outlive the connections that wrote them. */
  readonly own: OwnConnections;
  /** Counts what all of these connections send. */
  readonly tally: CommandTally;
  /** Opens a connection as any client's: what it says is logged, and is known as ours. */
  readonly connect: () => Promise<MysqlConnection>;
  /** Opens one that leaves no trace, as far as the account may. */
  readonly connectHelper: () => Promise<MysqlConnection>;
}

/**
 * @param onConnection called with the id of each connection before it says anything.
 * @param signal aborted, destroys all of them, also those that are being opened.
 * @throws AppError `remote_failed`.
 */
export async function openServer(
  address: ServerAddress,
  password: string | null,
  onConnection: (connection: OwnConnection) => void,
  ownTally?: OwnTally,
  signal?: AbortSignal,
): Promise<OpenedServer> {
  const own = new OwnConnections(address.user);
  const tally = new CommandTally(ownTally);
  let serverStart: number | null = null;
  const announce = (connectionId: number): void => {
    own.add(connectionId);
    onConnection({ connectionId, serverStart });
  };
  const control = await MysqlConnection.open(address, password, announce, tally, signal);
  const connect = (): Promise<MysqlConnection> =>
    MysqlConnection.open(control.address, password, announce, tally, signal);
  try {
    const server = await prepareSession(control);
    serverStart = await readServerStart(control, flavorOf(server.version));
    own.setServerStart(serverStart);
    const noTimes = await whyNoTimes(control);
    onConnection({ connectionId: control.id, serverStart });
    return {
      control,
      server,
      serverStart,
      noTimes,
      own,
      tally,
      connect,
      async connectHelper() {
        const connection = await connect();
        try {
          await prepareSession(connection);
          return connection;
        } catch (error) {
          await connection.close();
          throw error;
        }
      },
    };
  } catch (error) {
    await control.close();
    throw error;
  }
}
