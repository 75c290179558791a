import type { ServerAddress } from '../core/environments.ts';
import type {
  OwnConnection,
  ServerInspection,
  ServerLog,
  ServerLogs,
  ServerOutlook,
} from '../core/server-log.ts';
import { CommandTally } from './command-tally.ts';
import { MysqlConnection } from './connection.ts';
import { openServer } from './control-connection.ts';
import { resolvePassword } from './credentials.ts';
import { type Flavor, flavorOf } from './flavor.ts';
import { readLogSettings, settingsWarnings } from './log-settings.ts';
import { deadManObstacle, readScheduler } from './dead-man.ts';
import { privilegeNeeds } from './privileges.ts';
import { findLeftovers } from './recovery.ts';
import { lookAhead } from './forecast.ts';
import { findLockHolder } from './recorder-lock.ts';
import { readSchema } from './recorder-schema.ts';
import { prepareSession } from './recorder-session.ts';
import { ROWS_DROPPED, RotatedServerLog } from './rotated-log.ts';
import { isRotatedOnly, readRotatedSettings, rotationNeeds } from './rotation-settings.ts';
import { MysqlServerLog } from './server-log.ts';

/** Reaches MySQL-family servers. Passwords are resolved anew for every connection. */
export const mysqlServerLogs: ServerLogs = {
  async open(
    address: ServerAddress,
    storeId: string,
    onConnection: (connection: OwnConnection) => void,
  ): Promise<ServerLog> {
    const password = await resolvePassword(address.passwordFrom);
    const opened = await openServer(address, password, onConnection);
    try {
      const { control, server } = opened;
      const isRotated = await isRotatedOnly(control, await readGrants(control), server.version);
      return isRotated
        ? new RotatedServerLog(opened, storeId)
        : new MysqlServerLog(opened, storeId);
    } catch (error) {
      await opened.control.close();
      throw error;
    }
  },

  async inspect(
    address: ServerAddress,
    storeId: string,
    onConnection?: (connectionId: number) => void,
  ): Promise<ServerInspection> {
    const password = await resolvePassword(address.passwordFrom);
    const tally = new CommandTally();
    const connection = await MysqlConnection.open(address, password, onConnection, tally);
    try {
      const inspection = await inspectServer(connection, storeId);
      const clockAheadMs = await clockAhead(connection);
      return { ...inspection, clockAheadMs, commandsSent: withQuit(tally) };
    } finally {
      await connection.close();
    }
  },

  async lookAhead(
    address: ServerAddress,
    pause: () => Promise<void>,
    onConnection?: (connectionId: number) => void,
  ): Promise<ServerOutlook> {
    const password = await resolvePassword(address.passwordFrom);
    const tally = new CommandTally();
    const connection = await MysqlConnection.open(address, password, onConnection, tally);
    try {
      const found = await lookAhead(connection, pause);
      return { ...found, commandsSent: withQuit(tally) };
    } finally {
      await connection.close();
    }
  },
};

async function clockAhead(connection: MysqlConnection): Promise<number> {
  const asked = Date.now();
  const seconds = Number(await connection.value('SELECT UNIX_TIMESTAMP(SYSDATE(3))'));
  return Math.round(seconds * 1_000 - (asked + Date.now()) / 2);
}

/** What was sent by a connection that has only its good-bye to say yet. */
function withQuit(tally: CommandTally): number {
  return tally.counts().questions + 1;
}

async function inspectServer(
  connection: MysqlConnection,
  storeId: string,
): Promise<Omit<ServerInspection, 'clockAheadMs' | 'commandsSent'>> {
  const server = await prepareSession(connection);
  const account = (await connection.value('SELECT CURRENT_USER()')) ?? '';
  const settings = await readLogSettings(connection);
  const [isReadOnly, writesBinaryLog] =
    (await connection.row('SELECT @@GLOBAL.read_only, @@GLOBAL.log_bin')) ?? [];
  const contents = await readSchema(connection, storeId);
  const grants = await readGrants(connection);
  const flavor = flavorOf(server.version);
  if (await isRotatedOnly(connection, grants, server.version)) {
    return {
      server,
      account,
      settings: await readRotatedSettings(connection),
      privileges: rotationNeeds(grants, account),
      deadManObstacle: null,
      lockHolder: await findLockHolder(connection),
      schema: { state: contents.state, storeId: contents.marker?.storeId ?? null },
      logSwitch: 'parameter-group',
      leftovers: null,
      warnings: [ROWS_DROPPED, ...flavor.limits],
    };
  }
  const privileges = privilegeNeeds(grants, account, flavor, {
    isReadOnly: isReadOnly !== '0',
    writesBinaryLog: writesBinaryLog === '1',
  });
  const mayMakeEvents = !privileges.some(
    ({ privilege, state }) => privilege.startsWith('EVENT ') && state === 'missing',
  );
  return {
    server,
    account,
    settings,
    privileges,
    deadManObstacle: deadManObstacle(await readScheduler(connection), mayMakeEvents, account),
    lockHolder: await findLockHolder(connection),
    schema: { state: contents.state, storeId: contents.marker?.storeId ?? null },
    logSwitch: 'recorder',
    leftovers: await findLeftovers(connection, contents, flavor),
    warnings: [
      ...settingsWarnings(settings),
      ...(await readOnlyWarnings(connection, flavor)),
      ...flavor.limits,
    ],
  };
}

/** Of a server that is read-only for everybody no privilege says that nothing can be recorded there. */
async function readOnlyWarnings(connection: MysqlConnection, flavor: Flavor): Promise<string[]> {
  if (flavor.superReadOnly === null) return [];
  if ((await connection.value(`SELECT ${flavor.superReadOnly}`)) !== '1') return [];
  return [
    'The server is read-only for everybody (super_read_only): the recorder can make no table there; record its primary',
  ];
}

/** The lines of SHOW GRANTS with those of the roles that are switched on; null when refused. */
async function readGrants(connection: MysqlConnection): Promise<string[] | null> {
  try {
    const lines = await connection.rows('SHOW GRANTS');
    const role = await connection.value('SELECT CURRENT_ROLE()').catch(() => null);
    const ofRoles =
      role === null || role === 'NONE' || role === ''
        ? []
        : await connection.rows(
            role.includes('`')
              ? `SHOW GRANTS FOR CURRENT_USER() USING ${role}`
              : 'SHOW GRANTS FOR CURRENT_ROLE',
          );
    return [...lines, ...ofRoles].map(([line]) => line ?? '');
  } catch (error) {
    if (connection.isLost) throw error;
    return null;
  }
}
