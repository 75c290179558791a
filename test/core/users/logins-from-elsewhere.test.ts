import { beforeAll, describe, expect, it } from 'vitest';
import { networkOf } from '../../../src/core/users/address-gate.ts';
import { bucketOf } from '../../../src/core/users/attempt-counters.ts';
import { hashPassword } from '../../../src/core/users/passwords.ts';
import { Turns } from '../../../src/core/users/turns.ts';
import { UserService } from '../../../src/core/users/user-service.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { TestStore } from '../../support/stores.ts';
import { CHEAP_HASH } from '../../support/users.ts';

const PASSWORD = 'correct horse';
const clock = new ManualClock();
const test = new TestStore(clock);
beforeAll(async () => {
  const passwordHash = await hashPassword(PASSWORD, CHEAP_HASH);
  for (const name of ['ada', 'bob', 'eve', 'new']) {
    test.store.users.insert({ name, isAdmin: false, passwordHash }, 0);
  }
});

/** What somebody at an address gets for a name and a password. */
async function login(address: string, name: string, password = 'a wrong guess'): Promise<string> {
  const origin = { userName: 'captures', hostName: 'server', pid: 1, address };
  const users = new UserService(test.store, test.clock, origin, CHEAP_HASH);
  try {
    await users.login(name, password);
    return 'in';
  } catch (error) {
    return (error as Error).message;
  }
}

const WRONG = 'Wrong user name or password';
const TOO_MANY = 'Too many wrong passwords';

async function spray(address: string, from: number, count: number): Promise<string[]> {
  const outcomes: string[] = [];
  for (let i = from; i < from + count; i += 1) outcomes.push(await login(address, `name ${i}`));
  return outcomes;
}

describe('one address', () => {
  it('cannot try one password at a thousand names', async () => {
    const outcomes = await spray('192.0.2.1', 0, 30);
    expect(outcomes).toEqual([...Array(20).fill(WRONG), ...Array(10).fill(TOO_MANY)]);
    expect(await login('192.0.2.2', 'ada', PASSWORD)).toBe('in');
    await clock.advance(10_000);
    expect(await spray('192.0.2.1', 30, 3)).toEqual([WRONG, TOO_MANY, TOO_MANY]);
  });

  it('does not get its attempts back by logging in as itself', async () => {
    expect(await login('192.0.2.3', 'eve', PASSWORD)).toBe('in');
    expect(await spray('192.0.2.3', 100, 20)).not.toContain(TOO_MANY);
    expect(await login('192.0.2.3', 'eve', PASSWORD)).toBe('in');
    expect(await spray('192.0.2.3', 120, 2)).toEqual([TOO_MANY, TOO_MANY]);
  });

  it('that is a proxy of a whole team keeps nobody out who has logged in through it', async () => {
    expect(await login('192.0.2.4', 'bob', PASSWORD)).toBe('in');
    await spray('192.0.2.4', 200, 40);
    expect(await login('192.0.2.4', 'bob', PASSWORD)).toBe('in');
    expect(await login('192.0.2.4', 'new', PASSWORD)).toBe(TOO_MANY);
    await clock.advance(10_000);
    expect(await login('192.0.2.4', 'new', PASSWORD)).toBe('in');
  });

  it('is counted alike for a hundred attempts at the same time', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `other ${i}`);
    const outcomes = await Promise.all(names.map((name) => login('192.0.2.5', name)));
    expect(outcomes.filter((outcome) => outcome === WRONG).length).toBeLessThanOrEqual(20);
  });

  it('is not kept out by a clock that was set back', async () => {
    await spray('192.0.2.6', 300, 25);
    clock.set(clock.now() - 3_600_000);
    expect(await login('192.0.2.6', 'name x')).toBe(WRONG);
    await clock.advance(3_600_000);
  });
});

it('who guesses from elsewhere does not lock a user out where they have logged in before', async () => {
  expect(await login('192.0.2.7', 'ada', PASSWORD)).toBe('in');
  for (let i = 0; i < 12; i += 1) await login('198.51.100.1', 'ada');
  expect(await login('198.51.100.1', 'ada', PASSWORD)).toBe(TOO_MANY);
  expect(await login('192.0.2.7', 'ada', PASSWORD)).toBe('in');
});

it('a refused login is in the audit trail with its address, and without what was typed as a name', async () => {
  await login('203.0.113.1', 'hunter2hunter2');
  await login('203.0.113.1', 'bob');
  const [ofBob, ofNobody] = test.store.audit.list({
    environmentIds: [],
    ownOf: null,
    everythingElse: true,
    subject: null,
    since: null,
    limit: 2,
  });
  const origin = { userName: 'captures', hostName: 'server', pid: 1, address: '203.0.113.1' };
  const author = { userId: null, userName: 'nobody' };
  expect(ofNobody).toMatchObject({ action: 'user.login-refused', author, origin });
  expect(ofNobody?.subject).toEqual({ kind: 'user', id: 0, name: '', environmentId: null });
  expect(ofBob).toMatchObject({ action: 'user.login-refused', author, subject: { name: 'bob' } });
});

it('who logs in from all over one IPv6 network keeps nobody else from it', async () => {
  const many = Array.from({ length: 60 }, (_, i) =>
    login(`2001:db8:0:7::${i % 5}`, 'eve', PASSWORD),
  );
  const other = login('2001:db8:0:8::1', 'bob', PASSWORD);
  expect(await other).toBe('in');
  expect(await Promise.all(many)).toContain('Too many log in at once');
});

it.each([
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['192.0.2.1', '192.0.2.1'],
  ['2001:DB8:0:7:1:2:3:4', '2001:db8:0:7'],
  ['2001:db8:0:7::1', '2001:db8:0:7'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
])('of the network, %s has %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

describe('checks of passwords', () => {
  /** Runs what waits, one after the other, and notes the order. */
  function bench() {
    const turns = new Turns();
    const finish: (() => void)[] = [];
    const state = { running: 0, most: 0 };
    const order: string[] = [];
    const ask = (network: string | null, name = `user of ${network}`, isKnown = false) => {
      const who = network === null ? null : { network, name, isKnown };
      const work = async (): Promise<string> => {
        order.push(network ?? 'here');
        state.most = Math.max(state.most, (state.running += 1));
        await new Promise<void>((resolve) => finish.push(resolve));
        state.running -= 1;
        return 'done';
      };
      return turns.take(who, work).catch(() => 'refused');
    };
    const finishAll = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += 1) {
        await expect.poll(() => finish.length).toBeGreaterThan(0);
        finish.shift()?.();
      }
    };
    return { ask, finishAll, order, state };
  }
  const times = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  const countDone = async (asked: readonly Promise<string>[]): Promise<number> =>
    (await Promise.all(asked)).filter((outcome) => outcome === 'done').length;

  it('are done one at a time; from one network eight wait, of all 32, but for this machine', async () => {
    const { ask, finishAll, state } = bench();
    const ofOne = times(20).map((i) => ask('a network', `name ${i}`));
    const others = times(24).map((i) => ask(`network ${i}`));
    const local = ask(null);
    await finishAll(34);
    expect(await local).toBe('done');
    expect(await countDone(ofOne)).toBe(9);
    expect(await countDone(others)).toBe(24);
    expect(state.most).toBe(1);
  });

  it('of four networks that hold all places give some to others, who are served after one of each', async () => {
    const { ask, finishAll, order } = bench();
    const full = times(33).map((i) => ask(`network ${i % 4}`, `name ${i}`));
    const late = ask('elsewhere');
    await finishAll(33);
    expect(await late).toBe('done');
    expect(await countDone(full)).toBe(32);
    expect(order.slice(0, 6)).toContain('elsewhere');
  });

  it('of one name are no more than eight, from however many networks; who is known there gets in', async () => {
    const { ask, finishAll } = bench();
    const guesses = times(20).map((i) => ask(`network ${i}`, 'ada'));
    const unknown = ask('home', 'ada');
    const known = ask('home', 'ada', true);
    const other = ask('home', 'bob');
    await finishAll(11);
    expect(await countDone(guesses)).toBe(9);
    expect(await Promise.all([unknown, known, other])).toEqual(['refused', 'done', 'done']);
  });

  it('go on after one that failed', async () => {
    const turns = new Turns();
    const who = { network: 'a', name: 'ada', isKnown: false };
    const failing = turns.take(who, () => Promise.reject(new Error('broken')));
    const next = turns.take(who, () => Promise.resolve(1));
    await expect(failing).rejects.toThrow('broken');
    expect(await next).toBe(1);
  });
});

describe('nobody keeps out somebody who has logged in from their own address', () => {
  it.each([['new\u0000192.0.2.77'], ['["new","192.0.2.77"]']])(
    'with a name that looks like the two: %j',
    async (name) => {
      const theirs = '192.0.2.77';
      expect(await login(theirs, 'new', PASSWORD)).toBe('in');
      // Each from an address of its own: none of them has used up its attempts.
      for (let guess = 0; guess < 12; guess += 1) await login(`198.51.100.${guess}`, name);
      expect(await login(theirs, 'new', PASSWORD)).toBe('in');
    },
  );

  it('with a name that is counted with them in another store: which that is depends on the store', () => {
    const other = new TestStore(clock);
    const counters = ['ada', 'bob', 'eve', 'new'].map((name) => ['known', name, 'x'] as const);
    const [here, there] = [test.store, other.store].map((store) =>
      counters.map((counter) => bucketOf(store, counter)),
    );
    expect(here).not.toEqual(there);
    expect(counters.map((counter) => bucketOf(test.store, counter))).toEqual(here);
  });
});
