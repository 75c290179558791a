import { expect, it } from 'vitest';
import { CaptureService } from '../../../src/core/captures/capture-service.ts';
import type { CaptureRequest } from '../../../src/core/captures/capture-timing.ts';
import {
  RECORD_EVERYTHING,
  type RecordingOptions,
} from '../../../src/core/captures/recording-options.ts';
import { DaemonStarter, type StartedDaemon } from '../../../src/core/daemon/daemon-starter.ts';
import type { ServerInspection } from '../../../src/core/environments/server-inspection.ts';
import { AppError } from '../../../src/core/errors.ts';
import { resultOf } from '../../../src/core/progress.ts';
import { workloadFiles } from '../../../src/workload/stored-workloads.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { FakeSource, inspectionOf } from '../../support/server-inspection.ts';
import { outsideOf, SERVER, TestStore } from '../../support/stores.ts';

const SIGNAL = new AbortController().signal;

/** Captures of one server, without a command line. */
class Creation {
  readonly clock = new ManualClock();
  readonly test = new TestStore(this.clock);
  readonly alice = this.test.user('alice');
  readonly source: FakeSource;
  readonly service: CaptureService;
  looks = 0;
  startDaemon = (): Promise<StartedDaemon> => Promise.resolve({ pid: 1, logFile: 'daemon.log' });

  constructor(inspection: Partial<ServerInspection> = {}) {
    this.source = new FakeSource(inspectionOf(inspection));
    this.test.environment({ admin: [this.alice] }, { name: 'shop', server: SERVER });
    const outside = {
      ...outsideOf(this.test.store, this.clock),
      servers: () => {
        this.looks += 1;
        return Promise.resolve(this.source);
      },
      daemons: {
        start: () => this.startDaemon(),
        isRunning: () => true,
      },
      logSwitchCommands: () => Promise.resolve(['switch it on']),
      workloads: () => Promise.resolve(workloadFiles(this.test.store)),
    };
    this.service = new CaptureService(outside, new DaemonStarter(outside));
  }

  request(options: Partial<RecordingOptions> = {}, scheduledStart?: number): CaptureRequest {
    return {
      name: 'friday',
      environment: 'shop',
      status: null,
      start: null,
      scheduledStart: scheduledStart ?? null,
      duration: null,
      options: { ...RECORD_EVERYTHING, ...options },
    };
  }

  get stored(): readonly string[] {
    const { captures } = this.test.store;
    return captures.listByStatus(['STARTED', 'STARTING', 'SCHEDULED']).map(({ name }) => name);
  }
}

const POOLED: Partial<ServerInspection> = {
  values: {
    ...inspectionOf().values,
    prepared: 7,
    sessions: [
      { id: 5, user: 'app', host: 'web1', seconds: 3, isIdle: true },
      { id: 6, user: 'app', host: 'web1', seconds: 3, isIdle: true },
    ],
  },
};

it('is refused, with what is to be approved as data, where others would be disturbed', async () => {
  const creation = new Creation(POOLED);
  const { service, alice } = creation;
  const request = creation.request({ recycleUsers: ['a*'] });
  await expect(resultOf(service.create(alice, request))).rejects.toMatchObject({
    code: 'invalid',
    hint: {
      code: 'approve',
      approvals: [
        {
          for: 'recycling',
          users: ['a*'],
          isLater: false,
          sessions: [{ user: 'app', sessions: 2 }],
        },
      ],
    },
  });
  expect(creation.stored).toEqual([]);
  const created = await resultOf(service.create(alice, request, { approved: ['recycling'] }));
  expect(created).toMatchObject({ name: 'friday', status: 'STARTED', mayLackValues: true });
  expect(creation.looks).toBe(2);
});

it.each([
  [
    'another recorder holds the server',
    'conflict',
    { lockHolder: { connectionId: 9, user: 'r', host: 'h' } },
  ],
  ['only its owner can switch its log on', 'remote_failed', { logSwitch: 'owner' as const }],
])('stores nothing where %s', async (_what, code, inspection) => {
  const creation = new Creation(inspection);
  const run = creation.service.create(creation.alice, creation.request());
  await expect(resultOf(run)).rejects.toMatchObject({ code });
  expect(creation.stored).toEqual([]);
});

it.each([null, 'STARTED', 'STARTING'] as const)(
  'stores nothing where no daemon can be started for it, with the status %s',
  async (status) => {
    const creation = new Creation();
    creation.startDaemon = () => Promise.reject(new AppError('store_unusable', 'no log'));
    const create = (): Promise<unknown> =>
      resultOf(creation.service.create(creation.alice, { ...creation.request(), status }));
    await expect(create()).rejects.toThrow('no log');
    expect(creation.stored).toEqual([]);
    await expect(create()).rejects.toThrow('no log');
  },
);

it('leaves a capture to the daemon that took it before none could be started', async () => {
  const creation = new Creation();
  creation.startDaemon = () => {
    const { captures } = creation.test.store;
    for (const { id } of captures.listByStatus(['STARTED']))
      captures.move(id, 'STARTED', 'STARTING');
    return Promise.reject(new AppError('store_unusable', 'no log'));
  };
  const run = creation.service.create(creation.alice, creation.request());
  await expect(resultOf(run)).rejects.toThrow('no log');
  expect(creation.stored).toEqual(['friday']);
});

it('of a capture that starts later looks at no server, and says that a daemon has to stay', async () => {
  const creation = new Creation();
  const events: unknown[] = [];
  const later = creation.request({}, creation.clock.now() + 3_600_000);
  await resultOf(creation.service.create(creation.alice, later), (event) => {
    events.push(event);
  });
  expect(events).toEqual([
    {
      type: 'notice',
      notice: { code: 'lasting_daemon_needed', isOneAlive: false, warmUpFrom: null },
    },
  ]);
  expect([creation.looks, creation.stored]).toEqual([0, ['friday']]);
});

it('is planned with everything that would be refused, not the first of it alone', async () => {
  const creation = new Creation({ lockHolder: { connectionId: 9, user: 'r', host: 'h' } });
  creation.clock.sleep = () => Promise.resolve();
  const wrong = { ...creation.request({ sample: 0 }), name: 'a/b', duration: 1_000 };
  const plan = await resultOf(creation.service.plan(creation.alice, wrong, SIGNAL));
  expect(plan.refusals.map(({ code, message }) => [code, message])).toEqual([
    ['invalid', expect.stringContaining('name')],
    ['invalid', 'Duration must be at least 60 seconds'],
    ['invalid', 'The sample must be between 1/1 and 1/1000000'],
    ['conflict', expect.stringContaining('already being recorded, by r from h')],
  ]);
  expect(plan).toMatchObject({ isRecorded: true, readiness: { isHeldByUs: false } });
  expect(creation.stored).toEqual([]);
});
