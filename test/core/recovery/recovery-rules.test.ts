import { beforeEach, describe, expect, it } from 'vitest';
import type { Actor } from '../../../src/core/access.ts';
import type { CaptureStatus } from '../../../src/core/captures/capture.ts';
import type { Environment } from '../../../src/core/environments/environment.ts';
import { RecoveryRules, type PendingRestore } from '../../../src/core/recovery/recovery-rules.ts';
import type { TapRow } from '../../../src/core/store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { SERVER, TestStore } from '../../support/stores.ts';

const SETTINGS = { generalLog: false, logOutput: 'FILE', slowLog: false, tableEngine: 'CSV' };

let test: TestStore;
let service: RecoveryRules;
let alice: Actor;
let bob: Actor;
let prod: Environment;
let tap: TapRow;

beforeEach(() => {
  test = new TestStore(new ManualClock());
  service = new RecoveryRules(test.store, test.clock);
  alice = test.user('alice');
  bob = test.user('bob');
  prod = test.environment({ admin: [alice], member: [bob] }, { name: 'prod', server: SERVER });
  const server = {
    serverKey: 'server-1',
    nonce: 'nonce',
    environmentId: prod.id,
    settings: SETTINGS,
  };
  tap = test.store.taps.insert(server, test.clock.now());
});

/** A capture in this status, in the hands of the tap once it has begun. */
function capture(
  status: CaptureStatus,
  options: { owner?: Actor; environment?: Environment; endsIn?: number } = {},
): number {
  const now = test.clock.now();
  const { owner = alice, environment = prod, endsIn } = options;
  const { id } = test.store.captures.insert(
    {
      name: `capture ${Math.random()}`,
      environmentId: environment.id,
      ownerId: owner.userId,
      status,
      start: ['RUNNING', 'STOPPING'].includes(status) ? now - 1_000 : null,
      scheduledStart: status === 'SCHEDULED' ? now + 1_000 : null,
      scheduledEnd: endsIn === undefined ? null : now + endsIn,
      end: null,
      duration: null,
      reason: null,
      recordsStatements: true,
    },
    now,
  );
  if (['RUNNING', 'STOPPING'].includes(status)) test.store.recordings.begin(id, tap.id);
  return id;
}

function ids({ ending, finishing }: PendingRestore): { ending: number[]; finishing: number[] } {
  return { ending: ending.map(({ id }) => id), finishing: finishing.map(({ id }) => id) };
}

function statuses(...of: number[]): (CaptureStatus | undefined)[] {
  return of.map((id) => test.store.captures.find(id)?.status);
}

function end(actor: Actor, pending = service.pendingOf(tap)): void {
  test.store.transaction(() => service.end(actor, prod, tap, pending.ending));
}

describe('a server that is to be restored', () => {
  it('is known of the environments that one is a member of', () => {
    expect(service.listTaps(bob)).toEqual([tap]);
    expect(service.listTaps(test.user('oscar'))).toEqual([]);
  });

  it('ends what would go on, finishes what is over, and leaves the rest', () => {
    const going = capture('RUNNING');
    const longer = capture('RUNNING', { endsIn: 60_000 });
    const over = capture('RUNNING', { endsIn: 0 });
    const stopping = capture('STOPPING');
    const starting = capture('STARTING');
    const rest = [capture('STARTED'), capture('SCHEDULED')];
    const elsewhere = capture('STARTING', {
      environment: test.environment({ admin: [alice] }, { server: SERVER }),
    });
    const pending = service.pendingOf(tap);
    expect(ids(pending)).toEqual({
      ending: [going, longer, starting],
      finishing: [over, stopping],
    });
    end(alice);
    expect(statuses(going, longer, over, stopping, starting)).toEqual([
      'STOPPING',
      'STOPPING',
      'RUNNING',
      'STOPPING',
      'FAILED',
    ]);
    expect(statuses(...rest, elsewhere)).toEqual(['STARTED', 'SCHEDULED', 'STARTING']);
    expect(test.store.captures.find(going)?.reason).toBe('ended by a recovery of its server');
    expect(test.store.captures.find(starting)?.reason).toBe(
      'not started: a recovery restored its server',
    );
  });

  it('is written down: who gave it back, and which captures ended by that', () => {
    const going = capture('RUNNING');
    end(alice);
    const trail = test.store.audit.list({
      environmentIds: [prod.id],
      ownOf: null,
      everythingElse: false,
      subject: null,
      since: null,
      limit: null,
    });
    expect(trail.map(({ author, action, details }) => [author.userName, action, details])).toEqual([
      ['alice', 'capture.stop', {}],
      ['alice', 'environment.recover', { captures: String(going) }],
    ]);
  });
});

describe('nothing is ended', () => {
  it('by a member who may not stop each of the captures', () => {
    const own = capture('RUNNING', { owner: bob });
    end(bob);
    expect(statuses(own)).toEqual(['STOPPING']);
    const hers = capture('RUNNING');
    expect(() => end(bob)).toThrow(/which only its owner \(alice\) or an admin .* may do$/);
    expect(statuses(hers)).toEqual(['RUNNING']);
  });

  it('of an environment that one is no member of, nor is it named', () => {
    const other = test.environment({ admin: [alice] }, { name: 'secret', server: SERVER });
    const id = capture('RUNNING', { environment: other });
    expect(() => end(bob)).toThrow(/^Restoring the server would end a capture of another/);
    expect(statuses(id)).toEqual(['RUNNING']);
  });

  it('when a capture has begun that nobody agreed to end', () => {
    const known = capture('RUNNING');
    const pending = service.pendingOf(tap);
    const later = capture('RUNNING');
    expect(() => end(alice, pending)).toThrow(/has started meanwhile$/);
    expect(statuses(known, later)).toEqual(['RUNNING', 'RUNNING']);
  });
});
