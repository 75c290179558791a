import type { Actor } from '../../src/core/access.ts';
import type { Environment } from '../../src/core/environments/environment.ts';
import type { Outside } from '../../src/core/outside.ts';
import type { ReplayPlayer } from '../../src/core/replays/replay-player.ts';
import { DEFAULT_REPLAY, type ReplayRequest } from '../../src/core/replays/replay-request.ts';
import type {
  ReplayOptions,
  ReplayPlan,
  ReplayProgress,
  ReplayResult,
} from '../../src/core/replays/replay.ts';
import type { ReplayTarget } from '../../src/core/replays/target.ts';
import type { ServerIdentity } from '../../src/core/source.ts';
import { workloadFiles } from '../../src/workload/stored-workloads.ts';
import { outsideOf, type TestStore } from './stores.ts';
import { RecordedCapture } from './recorded-capture.ts';

export const RECORDED_SERVER: ServerIdentity = {
  flavor: 'MariaDB',
  version: '10.11.14',
  key: 'db1',
  hostname: 'db1',
  port: 3306,
  uuid: null,
};

export const OTHER_SERVER: ServerIdentity = {
  ...RECORDED_SERVER,
  version: '11.8.3',
  key: 'db2',
  hostname: 'db2',
};

const COUNTS = {
  records: 3,
  sent: 2,
  skipped: { writes: 1 },
  failed: {},
} as const;

export const PLAN: ReplayPlan = {
  ...COUNTS,
  statements: COUNTS,
  sessions: 1,
  sessionsAtOnce: 1,
  from: '2026-11-22T12:00:00.000000Z',
  to: '2026-11-22T12:00:10.000000Z',
  length: 10_000,
  position: null,
  warnings: [],
};

export const RESULT: ReplayResult = {
  ...COUNTS,
  ended: { why: 'complete' },
  statements: COUNTS,
  tookMs: 10_000,
  recordedMs: 10_000,
  lateMs: null,
  latency: null,
  perSecond: 0.2,
  sessions: { recorded: 1, opened: 1, mostAtOnce: 1, lost: 0 },
  brokenOff: 0,
  deadlocks: 0,
  executes: { binary: 0, text: 0 },
  errors: [],
  rows: [],
  unlisted: 0,
  checksums: [],
  warnings: [],
  divergence: [],
};

export const PROGRESS: ReplayProgress = {
  records: 3,
  sent: 1,
  skipped: 0,
  failed: 0,
  open: 1,
  lateMs: 0,
};

/** A player whose part a test decides; it plans nothing but `PLAN`. */
class ChosenPlayer implements ReplayPlayer {
  /** What it plays, until `signal` is aborted, or to its end. */
  part: ReplayPlayer['play'] = async function* () {
    await Promise.resolve();
    yield { type: 'played', progress: PROGRESS, of: 3 } as const;
    return RESULT;
  };

  async *plan(): ReturnType<ReplayPlayer['plan']> {
    await Promise.resolve();
    yield { type: 'planning', records: 3, of: 3 };
    return PLAN;
  }

  play: ReplayPlayer['play'] = (...how) => this.part(...how);
}

/** A part that goes on until it is ended. */
export const ENDLESS: ReplayPlayer['play'] = async function* (
  _record,
  _options,
  _plan,
  _to,
  signal,
) {
  yield { type: 'played', progress: PROGRESS, of: 3 } as const;
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
  return {
    ...RESULT,
    sent: 1,
    skipped: { writes: 1, interrupted: 1 },
    ended: { why: 'interrupted' },
  } as const;
};

/** A target that answers for control alone, as `identity`. */
function silentTarget(identity: ServerIdentity, now: () => number): ReplayTarget {
  const unexpected = (): never => {
    throw new Error('The test expects no statement');
  };
  return {
    server: identity,
    room: 10,
    longestText: 2 ** 24,
    position: () => Promise.resolve(null),
    preparedTransactions: () => Promise.resolve([]),
    programs: () => Promise.resolve([]),
    // For the look whether an account may log in.
    openSession: () =>
      Promise.resolve({
        id: 1,
        isLost: false,
        hasBackslashEscapes: true,
        setUpFailures: 0,
        run: unexpected,
        closeStatement: unexpected,
        close: () => undefined,
        destroy: () => undefined,
      }),
    breakOff: unexpected,
    isBlocked: unexpected,
    sampleCounters: () => Promise.resolve({ Questions: now() }),
    now: () => Promise.resolve(now()),
    checksum: unexpected,
    close: () => Promise.resolve(),
  };
}

/** What replays over a test's store are given; `player` and `target` can be changed. */
export class ReplayBench {
  readonly player = new ChosenPlayer();
  readonly outside: Outside;
  target: ServerIdentity = OTHER_SERVER;
  /** Targets that are open. */
  open = 0;
  readonly #test: TestStore;

  constructor(test: TestStore, more: Partial<Outside> = {}) {
    this.#test = test;
    const { store, clock } = test;
    this.outside = {
      ...outsideOf(store, clock, { userName: 'ada', hostName: 'here', pid: 4711 }),
      workloads: () => Promise.resolve(workloadFiles(store)),
      replayPlayer: () => Promise.resolve(this.player),
      replayTargets: () =>
        Promise.resolve({
          open: () => {
            this.open += 1;
            let isOpen = true;
            const close = (): Promise<void> => {
              if (isOpen) this.open -= 1;
              isOpen = false;
              return Promise.resolve();
            };
            const target = silentTarget(this.target, () => clock.now());
            return Promise.resolve({ ...target, close });
          },
        }),
      ...more,
    };
  }

  /** A capture that is over, of one statement, of `RECORDED_SERVER`; in the environment `shop`. */
  async recorded(actor: Actor, name = 'friday'): Promise<RecordedCapture> {
    const capture = new RecordedCapture(this.#test, actor, name);
    capture.become('RUNNING');
    await capture.record([
      {
        time: '2026-11-22T12:00:00.000000Z',
        session: 7,
        user: 'app',
        host: 'web1',
        db: 'shop',
        kind: 'query',
        sql: 'SELECT 1',
        bytes: null,
        flags: [],
      },
    ]);
    await capture.close();
    capture.become('DONE');
    this.#test.store.recordings.saveFacts(capture.id, FACTS);
    return capture;
  }
}

const FACTS = JSON.stringify({
  server: RECORDED_SERVER,
  settingsBefore: {},
  start: { time: '2026-11-22T12:00:00.000000Z', generation: 1, gtid: null },
  end: { time: '2026-11-22T12:01:00.000000Z', generation: 2, gtid: null },
  sessionsAtStart: [],
  sessionsAtEnd: [],
  transactionsAtStart: [],
  transactionsAtEnd: [],
  gaps: [],
  warnings: [],
  endReason: null,
});

/** A request for a replay on an environment. */
export function replayRequest(
  environment: Environment,
  options: Partial<ReplayOptions> = {},
  more: Partial<ReplayRequest> = {},
): ReplayRequest {
  return {
    environment: environment.name,
    name: null,
    options: { ...DEFAULT_REPLAY, ...options },
    confirmed: null,
    approvesWrites: false,
    ...more,
  };
}
