import { expect, it } from 'vitest';
import { REACHED_ITS_END } from '../../../src/core/captures/capture-rules.ts';
import { reasonOf, type CaptureStatus } from '../../../src/core/captures/capture.ts';
import type { Gap } from '../../../src/core/workloads/gaps.ts';
import { listUnrestored } from '../../../src/core/recovery/recovery-rules.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { SERVER, TestStore } from '../../support/stores.ts';

const SETTINGS = { generalLog: false, logOutput: 'FILE', slowLog: false, tableEngine: 'CSV' };
const STARTED = '2026-11-28T12:00:00.000000Z';
const LAST = '2026-11-28T12:00:05.000000Z';

/** A capture in this status that a tap records, whose server cannot be read. */
function inTrouble(status: CaptureStatus) {
  const test = new TestStore(new ManualClock());
  const { store } = test;
  const alice = test.user('alice');
  const environment = test.environment({ admin: [alice] }, { name: 'shop', server: SERVER });
  const { id } = test.capture(alice, environment);
  const tap = store.taps.insert(
    { serverKey: 'k', nonce: 'n', environmentId: environment.id, settings: SETTINGS },
    0,
  );
  store.captures.move(id, 'STARTED', 'STARTING');
  if (status !== 'STARTING') {
    store.recordings.begin(id, tap.id);
    const facts = { start: { time: STARTED }, end: null, gaps: [], warnings: [] };
    store.recordings.open(id, 2, JSON.stringify(facts));
    const progress = { records: 7, textBytes: 70, fileBytes: 30, counters: '{}', rates: [] };
    store.recordings.finish(
      { captureId: id, position: JSON.stringify({ lastTime: LAST }), ...progress },
      JSON.stringify(facts),
    );
    store.recordings.begin(id, tap.id);
    store.captures.move(id, 'STARTING', 'RUNNING', { start: 0 });
  }
  if (status === 'STOPPING') {
    store.captures.move(id, 'RUNNING', 'STOPPING', { reason: REACHED_ITS_END });
  }
  store.taps.saveTrouble(tap.id, { since: 1, reason: 'the server is away' });
  return { test, store, alice, id, ref: String(id), tapId: tap.id };
}

it.each(['RUNNING', 'STOPPING'] as const)(
  'a capture that is %s is given up: FAILED, with what is recorded and a gap for the rest',
  (status) => {
    const { test, store, alice, id, ref, tapId } = inTrouble(status);
    const given = test.captures.giveUp(alice, ref);
    expect(given).toMatchObject({ status: 'FAILED', end: test.clock.now(), records: 7 });
    expect(given.reason).toBe(
      'Given up: what was still on the server is not recorded, which could not be read: the server is away',
    );
    const { gaps } = JSON.parse(store.recordings.find(id)?.facts ?? '') as { gaps: Gap[] };
    const to = new Date(test.clock.now()).toISOString().replace('Z', '000Z');
    expect(gaps).toMatchObject([{ from: LAST, to, cause: 'not_read', afterSeq: 7, missing: null }]);
    // The server is restored without it.
    expect(store.recordings.listOfTap(tapId)).toEqual([]);
    expect(listUnrestored(store, alice)).toMatchObject([
      { environmentName: 'shop', isRecording: false, trouble: { reason: 'the server is away' } },
    ]);
    expect(() => test.captures.giveUp(alice, ref)).toThrow(/failed and is no longer running/);
  },
);

it('what has not started is not given up', () => {
  const { test, alice, ref } = inTrouble('STARTING');
  expect(() => test.captures.giveUp(alice, ref)).toThrow(/until it has started completely/);
});

it('only its owner and admins give it up', () => {
  const { test, alice, ref, store, id } = inTrouble('STOPPING');
  const bob = test.user('bob');
  const environmentId = store.captures.find(id)?.environmentId ?? 0;
  expect(() => test.captures.giveUp(bob, ref)).toThrow('Capture not found');
  store.members.insert(environmentId, bob.userId, 'member');
  expect(() => test.captures.giveUp(bob, ref)).toThrow(/^Only the owner of the capture \(alice\)/);
  expect(listUnrestored(store, alice)).toHaveLength(1);
  expect(listUnrestored(store, test.user('carol'))).toEqual([]);
});

it('what a capture waits for is its reason while it is STOPPING', () => {
  const { store, id } = inTrouble('STOPPING');
  const waiting = store.captures.find(id);
  expect(waiting && reasonOf(waiting)).toBe('waits for its server: the server is away');
  store.taps.saveTrouble(1, null);
  const going = store.captures.find(id);
  expect(going && reasonOf(going)).toBe(REACHED_ITS_END);
});
