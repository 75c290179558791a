import type { ServerAddress } from '../../src/core/environments/environment.ts';
import type {
  MeasuredCost,
  PreparedOutlook,
  ServerInspection,
  ServerLoad,
  ServerOutlook,
} from '../../src/core/environments/server-inspection.ts';
import { SET_BY_OWNER } from '../../src/source/mysql/inspection/values-outlook.ts';
import { logSettingsOf } from '../../src/source/mysql/log/log-settings.ts';
import { schemaConflict } from '../../src/source/mysql/log/recorder-schema.ts';
import { NO_RECYCLING } from '../../src/source/mysql/rotated-log/rotated-log.ts';
import { whyLogIsOff } from '../../src/source/mysql/rotated-log/rotation-settings.ts';
import type { OpenSource, ServerSettings, Source } from '../../src/core/source.ts';

/** What a look at a server in good order finds, with changes. */
export function inspectionOf(changes: Partial<ServerInspection> = {}): ServerInspection {
  const found = { ...IN_GOOD_ORDER, ...changes };
  const { schema, server, logSwitch, settings, values, leftovers } = found;
  const isOwners = logSwitch === 'owner';
  const owners = logSettingsOf(leftovers?.settings ?? settings);
  const isAlways = values.logged === 'always';
  const ownersLog = owners.generalLog ? 'general_log' : owners.slowLog ? 'slow_log' : null;
  const where = `${server.hostname}:${server.port}`;
  return {
    ...found,
    schemaConflict: schemaConflict(schema.state, where, schema.storeId),
    logOff: isOwners ? (whyLogIsOff(logSettingsOf(settings), server)?.message ?? null) : null,
    recyclingObstacle: isOwners ? NO_RECYCLING : null,
    values: {
      ...values,
      ownersLog: isAlways ? null : ownersLog,
      slowLog: {
        ...values.slowLog,
        ...(leftovers?.settings == null ? {} : { output: owners.logOutput }),
      },
      warmUpObstacle: isOwners && !isAlways ? SET_BY_OWNER : null,
    },
  };
}

const IN_GOOD_ORDER: ServerInspection = {
  server: {
    flavor: 'mariadb',
    version: '10.11.9-MariaDB',
    key: 'server-1',
    hostname: 'db1',
    port: 3306,
    uuid: null,
  },
  place: 'db1:3306',
  account: 'recorder@%',
  settings: { generalLog: false, logOutput: 'FILE', slowLog: false, tableEngine: 'CSV' },
  privileges: [
    {
      privilege: 'SUPER',
      purpose: 'switches the general log on and off',
      state: 'present',
      grant: 'GRANT SUPER ON *.* TO `recorder`@`%`',
      required: true,
    },
  ],
  lockHolder: null,
  schema: { state: 'none', storeId: null, nonce: null },
  schemaConflict: null,
  logOff: null,
  recyclingObstacle: null,
  leftovers: null,
  deadManObstacle: null,
  logSwitch: 'recorder',
  recorderTable: { engine: 'MyISAM', why: "the server's disk has 64 GiB free" },
  recycling: [],
  obstacles: [],
  logTable: 'there',
  clockAheadMs: 0,
  values: {
    logged: 'when_prepared',
    coveredBy: null,
    ownersLog: null,
    warmUpObstacle: null,
    sinceStart: false,
    serverStart: 1_790_000_000,
    uptime: 86_400,
    prepared: 0,
    sessions: [],
    slowLog: {
      longerThan: 10,
      withoutIndex: false,
      output: 'FILE',
      file: 'db1-slow.log',
    },
  },
  warnings: [],
};

const NO_LOAD: ServerLoad = { seconds: 2.5, statements: 0, rows: 0, executes: 0, bytes: 0 };

/** A server that can be looked at: for what commands do before any daemon is involved. */
export class FakeSource implements Source {
  /** What the next look finds. */
  inspection: ServerInspection;
  prepared: PreparedOutlook = { values: 'when-logged', statements: 3, sessions: 2 };
  cost: MeasuredCost = {
    measuredOn: 'MariaDB 10.11 with 2 cores',
    isThisRelease: true,
    saturated: [
      { load: 'single-row reads', ownLog: 0.52, log: 0.62, recording: 0.58 },
      { load: 'mixed transactions', ownLog: 0.67, log: 0.83, recording: null },
    ],
    latency: { rate: 6_000, beforeMs: 2.2, afterMs: 2.8 },
    note: null,
  };
  readonly #load: ServerLoad;

  constructor(inspection: ServerInspection, load: ServerLoad = NO_LOAD) {
    this.inspection = inspection;
    this.#load = load;
  }

  open(): Promise<OpenSource> {
    return Promise.reject(new Error('Commands only look; the daemon opens'));
  }

  returnsStatements({ generalLog, logOutput }: ServerSettings): boolean {
    return generalLog === true && logOutput === 'TABLE';
  }

  inspect(): Promise<ServerInspection> {
    return Promise.resolve(this.inspection);
  }

  async forecast(_address: ServerAddress, pause: () => Promise<void>): Promise<ServerOutlook> {
    await pause();
    const { settings } = this.inspection;
    return {
      load: this.#load,
      prepared: this.prepared,
      cost: this.cost,
      settingsWhileRecording: { ...settings, generalLog: true, logOutput: 'TABLE' },
      undo: ['SET GLOBAL general_log = OFF', 'DROP DATABASE captures'],
      undoWarmUp: ['SET GLOBAL slow_query_log = OFF'],
      undoRecycling: ["UNINSTALL SONAME 'metadata_lock_info'"],
    };
  }
}
