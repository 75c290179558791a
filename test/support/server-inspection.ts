import type { ServerAddress } from '../../src/core/environments/environment.ts';
import type {
  MeasuredCost,
  PreparedOutlook,
  ServerInspection,
  ServerLoad,
  ServerOutlook,
} from '../../src/core/environments/server-inspection.ts';
import type { OpenSource, ServerSettings, Source } from '../../src/core/source.ts';

/** What a look at a server in good order finds, with changes. */
export function inspectionOf(changes: Partial<ServerInspection> = {}): ServerInspection {
  return {
    server: {
      flavor: 'mariadb',
      version: '10.11.9-MariaDB',
      key: 'server-1',
      hostname: 'db1',
      port: 3306,
      uuid: null,
    },
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
    ...changes,
  };
}

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
    };
  }
}
