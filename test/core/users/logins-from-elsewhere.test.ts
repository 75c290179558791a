import { beforeAll, describe, expect, it } from 'vitest';
import { networkOf } from '../../../src/core/users/address-gate.ts';
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
  it('are done one at a time; of one address eight wait, of all 32', async () => {
    const turns = new Turns();
    let running = 0;
    let most = 0;
    const finish: (() => void)[] = [];
    const work = async (): Promise<string> => {
      most = Math.max(most, (running += 1));
      await new Promise<void>((resolve) => finish.push(resolve));
      running -= 1;
      return 'done';
    };
    const asked = Array.from({ length: 60 }, (_, i) =>
      turns.take(i < 20 ? 'a host' : `host ${i}`, work).catch(() => 'refused'),
    );
    const local = turns.take(undefined, work);
    for (let i = 0; i < 34; i += 1) {
      await expect.poll(() => finish.length).toBeGreaterThan(0);
      finish.shift()?.();
    }
    expect(await local).toBe('done');
    const outcomes = await Promise.all(asked);
    expect(most).toBe(1);
    expect(outcomes.slice(0, 20).filter((one) => one === 'done')).toHaveLength(9);
    expect(outcomes.filter((one) => one === 'done')).toHaveLength(33);
  });

  it('go on after one that failed', async () => {
    const turns = new Turns();
    const failing = turns.take('a', () => Promise.reject(new Error('broken')));
    const next = turns.take('a', () => Promise.resolve(1));
    await expect(failing).rejects.toThrow('broken');
    expect(await next).toBe(1);
  });
});
