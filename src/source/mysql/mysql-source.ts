import { AppError } from '../../core/errors.ts';
import { placeOf, type ServerAddress } from '../../core/environments/environment.ts';
import type { OwnTally } from '../../core/verification/own-commands.ts';
import type {
  Obstacle,
  ServerInspection,
  ServerOutlook,
} from '../../core/environments/server-inspection.ts';
import type { OwnConnection, OpenSource, Source } from '../../core/source.ts';
import { limitObstacles } from './connection/account-limits.ts';
import { CommandTally } from './connection/command-tally.ts';
import { MysqlConnection } from './connection/mysql-connection.ts';
import { codeOf } from './connection/server-errors.ts';
import { READ_ONLY_FOR_ALL } from './connection/error-translation.ts';
import { chooseEngine, type EngineChoice } from './log/log-engine.ts';
import { noRoom, shortageOn } from './log/disk-guard.ts';
import { findServerDisk, type FindServerDisk, type ServerDisk } from './log/server-disk.ts';
import { LIVE_TABLE } from './log/log-table.ts';
import { openServer } from './connection/control-connection.ts';
import { resolvePassword } from './connection/database-credentials.ts';
import { type Flavor, flavorOf } from './connection/flavor.ts';
import {
  logSettingsOf,
  logsToTable,
  readLogSettings,
  settingsWarnings,
  type LogSettings,
} from './log/log-settings.ts';
import { deadManObstacle, readScheduler } from './log/dead-man.ts';
import { privilegeNeeds, readGrants, recyclingNeeds, timesNeed } from './connection/privileges.ts';
import { canListLocks } from './log/session-ending.ts';
import { findLeftovers } from './recovery/leftovers.ts';
import { forecast } from './inspection/forecast.ts';
import { findLockHolder } from './connection/recorder-lock.ts';
import { readSchema, schemaConflict } from './log/recorder-schema.ts';
import { prepareSession } from './connection/recorder-session.ts';
import { NO_RECYCLING, ROWS_DROPPED, RotatedLog } from './rotated-log/rotated-log.ts';
import {
  isRotatedOnly,
  readRotatedSettings,
  rotationNeeds,
  whyLogIsOff,
} from './rotated-log/rotation-settings.ts';
import { SwappedLog } from './log/swapped-log.ts';
import { readValuesOutlook } from './inspection/values-outlook.ts';

/** Reaches MySQL-family servers. Passwords are resolved anew for every connection. */
export const mysqlSource: Source = mysqlSourceThatFinds(findServerDisk);

/** The same with another way to find the disk of a server's log tables. */
export function mysqlSourceThatFinds(findDisk: FindServerDisk): Source {
  return {
    returnsStatements: (settings) => logsToTable(logSettingsOf(settings)),

    async open(
      address: ServerAddress,
      storeId: string,
      onConnection: (connection: OwnConnection) => void,
      tally?: OwnTally,
      signal?: AbortSignal,
    ): Promise<OpenSource> {
      const password = await resolvePassword(address.passwordFrom);
      const opened = await openServer(address, password, onConnection, tally, signal);
      try {
        const { control, server } = opened;
        if (await isRotatedOnly(control, await readGrants(control), server.version)) {
          return new RotatedLog(opened, storeId);
        }
        const disk = await findDisk(control);
        return new SwappedLog(opened, storeId, await chooseEngine(control, disk), disk);
      } catch (error) {
        await opened.control.close();
        throw error;
      }
    },

    async inspect(
      address: ServerAddress,
      storeId: string,
      onConnection?: (connectionId: number) => void,
      ownTally?: OwnTally,
    ): Promise<ServerInspection> {
      const password = await resolvePassword(address.passwordFrom);
      const tally = new CommandTally(ownTally);
      const connection = await MysqlConnection.open(address, password, onConnection, tally);
      try {
        const { owners, ...inspection } = await inspectServer(
          connection,
          placeOf(address),
          storeId,
          findDisk,
        );
        const clockAheadMs = await clockAhead(connection);
        const values = await readValuesOutlook(
          connection,
          flavorOf(inspection.server.version),
          owners,
          inspection.logSwitch === 'owner',
        );
        return { ...inspection, clockAheadMs, values };
      } finally {
        await connection.close();
      }
    },

    async forecast(
      address: ServerAddress,
      pause: () => Promise<void>,
      onConnection?: (connectionId: number) => void,
      ownTally?: OwnTally,
    ): Promise<ServerOutlook> {
      const password = await resolvePassword(address.passwordFrom);
      const tally = new CommandTally(ownTally);
      const connection = await MysqlConnection.open(address, password, onConnection, tally);
      try {
        return await forecast(connection, pause, await findDisk(connection));
      } finally {
        await connection.close();
      }
    },
  };
}

async function clockAhead(connection: MysqlConnection): Promise<number> {
  const asked = Date.now();
  const seconds = Number(await connection.value('SELECT UNIX_TIMESTAMP(SYSDATE(3))'));
  return Math.round(seconds * 1_000 - (asked + Date.now()) / 2);
}

async function inspectServer(
  connection: MysqlConnection,
  place: string,
  storeId: string,
  findDisk: FindServerDisk,
): Promise<Omit<ServerInspection, 'clockAheadMs' | 'values'> & { readonly owners: LogSettings }> {
  const server = await prepareSession(connection);
  const account = (await connection.value('SELECT CURRENT_USER()')) ?? '';
  const settings = await readLogSettings(connection);
  const [isReadOnly, writesBinaryLog] =
    (await connection.row('SELECT @@GLOBAL.read_only, @@GLOBAL.log_bin')) ?? [];
  const measures = await connection.row("SHOW GLOBAL VARIABLES LIKE 'performance_schema'");
  const measuresStatements = measures?.[1] === 'ON';
  const contents = await readSchema(connection, storeId);
  // One that a dump carried says nothing of this server.
  const marker = contents.state === 'from-dump' ? null : contents.marker;
  const grants = await readGrants(connection);
  const flavor = flavorOf(server.version);
  const schema = {
    state: contents.state,
    storeId: marker?.storeId ?? null,
    nonce: marker?.nonce ?? null,
  };
  const common = {
    server,
    place,
    account,
    lockHolder: await findLockHolder(connection),
    schema,
    schemaConflict: schemaConflict(schema.state, place, marker?.recorder ?? null),
  };
  if (await isRotatedOnly(connection, grants, server.version)) {
    const rotated = await readRotatedSettings(connection);
    return {
      ...common,
      owners: rotated,
      settings: rotated,
      privileges: [
        ...rotationNeeds(grants, account),
        ...(measuresStatements ? [timesNeed(grants, account)] : []),
      ],
      deadManObstacle: null,
      logSwitch: 'owner',
      logOff: whyLogIsOff(rotated, server)?.message ?? null,
      recorderTable: null,
      recycling: [],
      recyclingObstacle: NO_RECYCLING,
      leftovers: null,
      obstacles: await limitObstacles(connection, flavor, grants, account),
      logTable: 'there',
      warnings: [ROWS_DROPPED, ...flavor.limits],
    };
  }
  const privileges = privilegeNeeds(grants, account, flavor, {
    isReadOnly: isReadOnly !== '0',
    writesBinaryLog: writesBinaryLog === '1',
    // While somebody records, the owner's settings are those in the marker.
    logsToTable: logsToTable(marker?.settings ?? settings),
    measuresStatements,
  });
  const disk = await findDisk(connection);
  const choice = await chooseEngine(connection, disk);
  const mayMakeEvents = !privileges.some(
    ({ privilege, state }) => privilege.startsWith('EVENT ') && state === 'missing',
  );
  return {
    ...common,
    owners: marker?.settings ?? settings,
    settings,
    privileges,
    deadManObstacle: deadManObstacle(await readScheduler(connection), mayMakeEvents, account),
    logSwitch: 'recorder',
    logOff: null,
    recorderTable: choice instanceof AppError ? null : choice,
    recycling:
      flavor.hasValues === 'always'
        ? []
        : recyclingNeeds(grants, account, flavor, await canListLocks(connection)),
    recyclingObstacle: null,
    leftovers: await findLeftovers(connection, contents, flavor, settings),
    obstacles: [
      ...(await obstaclesOf(connection, flavor, choice, disk)),
      ...(await limitObstacles(connection, flavor, grants, account)),
    ],
    logTable: settings.tableEngine === null ? await lookForLogTable(connection) : 'there',
    warnings: [...settingsWarnings(marker?.settings ?? settings), ...flavor.limits],
  };
}

async function obstaclesOf(
  connection: MysqlConnection,
  flavor: Flavor,
  choice: EngineChoice | AppError,
  disk: ServerDisk | null,
): Promise<Obstacle[]> {
  const obstacles: Obstacle[] = [];
  const { superReadOnly } = flavor;
  if (superReadOnly !== null && (await connection.value(`SELECT ${superReadOnly}`)) === '1') {
    obstacles.push(READ_ONLY_FOR_ALL);
  }
  if (choice instanceof AppError) obstacles.push({ what: choice.message, hint: choice.hint });
  const shortage = await shortageOn(disk);
  if (shortage !== null) {
    const { message, hint } = noRoom(shortage);
    obstacles.push({ what: message, hint });
  }
  return obstacles;
}

/** A table that nobody may see and one that is missing look the same in information_schema. */
async function lookForLogTable(connection: MysqlConnection): Promise<ServerInspection['logTable']> {
  try {
    await connection.rows(`SELECT 1 FROM ${LIVE_TABLE} LIMIT 0`);
    return 'there';
  } catch (error) {
    if (connection.isLost) throw error;
    return codeOf(error) === 'ER_NO_SUCH_TABLE' ? 'missing' : 'hidden';
  }
}
