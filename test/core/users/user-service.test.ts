import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { describe, expect, it, vi } from 'vitest';
import { UNKNOWN_ORIGIN } from '../../../src/core/audit/audit-trail.ts';
import { AppError } from '../../../src/core/errors.ts';
import { checkName, nameKey } from '../../../src/core/names.ts';
import { PasswordGate } from '../../../src/core/users/password-gate.ts';
import { hashPassword, SCRYPT_COST, verifyPassword } from '../../../src/core/users/passwords.ts';
import { UserService, prepareUser } from '../../../src/core/users/user-service.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { CHEAP_HASH } from '../../support/users.ts';
import { TestStore } from '../../support/stores.ts';

const DAY = 86_400_000;

async function setUp(passwordCost = CHEAP_HASH) {
  const clock = new ManualClock();
  const test = new TestStore(clock);
  const people = new UserService(test.store, clock, UNKNOWN_ORIGIN, passwordCost);
  const user = await prepareUser('alice', 'correct horse', CHEAP_HASH);
  const session = people.openFirstSession(user);
  return { clock, test, people, session };
}

describe('a password', () => {
  it('is right or wrong by its hash, which carries its salt and cost', async () => {
    const hash = await hashPassword('pässword', CHEAP_HASH);
    expect(hash).toMatch(/^scrypt\$4\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
    expect(await verifyPassword('pässword', hash)).toBe(true);
    expect(await verifyPassword('password', hash)).toBe(false);
    expect(await hashPassword('pässword', CHEAP_HASH)).not.toBe(hash);
  });

  it('is refused when it is shorter than 8 characters', async () => {
    await expect(prepareUser('alice', 'seven77', CHEAP_HASH)).rejects.toThrow(
      'shorter than 8 characters',
    );
  });
});

describe('a session', () => {
  it('proves who somebody is until it expires, and no other secret does', async () => {
    const { clock, people, session } = await setUp();
    expect(await people.authenticate(session.secret)).toMatchObject({
      userName: 'alice',
      isStoreAdmin: true,
    });
    await expect(people.authenticate(`${session.secret}x`)).rejects.toThrow(AppError);
    await clock.advance(30 * DAY);
    await expect(people.authenticate(session.secret)).rejects.toThrow('Your session has expired');
  });

  it('is not stored as it is', async () => {
    const { test, session } = await setUp();
    test.store.close();
    const { readFileSync, readdirSync } = await import('node:fs');
    for (const file of readdirSync(test.store.directory)) {
      expect(readFileSync(`${test.store.directory}/${file}`).includes(session.secret)).toBe(false);
    }
  });

  it('ends at logout', async () => {
    const { people, session } = await setUp();
    await people.logout(session.secret);
    await expect(people.authenticate(session.secret)).rejects.toThrow('not logged in');
  });
});

describe('login', () => {
  it('opens a session that lasts as long as was asked for', async () => {
    const { clock, people } = await setUp();
    const { secret, expiresAt } = await people.login('ALICE', 'correct horse', DAY);
    expect(expiresAt).toBe(clock.now() + DAY);
    expect((await people.authenticate(secret)).userName).toBe('alice');
  });

  it('answers the same to a wrong name and a wrong password', async () => {
    const { people } = await setUp();
    const answer = { code: 'unauthenticated', message: 'Wrong user name or password' };
    await expect(people.login('nobody', 'correct horse')).rejects.toMatchObject(answer);
    await expect(people.login('alice', 'wrong horse')).rejects.toMatchObject(answer);
  });

  it('slows down after repeated wrong passwords, and forgets them at a right one', async () => {
    const { clock, people } = await setUp();
    for (let i = 0; i < 5; i++)
      await expect(people.login('alice', 'wrong')).rejects.toThrow('Wrong user');
    await expect(people.login('alice', 'correct horse')).rejects.toMatchObject({
      message: 'Too many wrong passwords',
      hint: 'Try again in 1 s.',
    });
    await clock.advance(1_000);
    await people.login('alice', 'correct horse');
    await expect(people.login('alice', 'wrong')).rejects.toThrow('Wrong user');
    await people.login('alice', 'correct horse');
  });
});

describe('a name that nobody has', () => {
  const outcome = async (attempt: Promise<unknown>) =>
    attempt.then(
      () => 'in',
      (error: unknown) => [(error as AppError).message, (error as AppError).hint],
    );

  it('is slowed down as that of a user is, attempt by attempt', async () => {
    const { clock, people } = await setUp();
    for (const wait of [0, 0, 0, 0, 0, 0, 1_000, 0]) {
      await clock.advance(wait);
      const [known, unknown] = await Promise.all([
        outcome(people.login('alice', 'wrong horse')),
        outcome(people.login('nobody', 'wrong horse')),
      ]);
      expect(unknown).toEqual(known);
    }
  });

  it.each([SCRYPT_COST, CHEAP_HASH])('costs the work of one hash of %j', async (cost) => {
    const { people } = await setUp(cost);
    const scrypt = vi.spyOn(crypto, 'scrypt');
    syncBuiltinESMExports();
    await people.login('nobody', 'correct horse').catch(() => undefined);
    const hashed = scrypt.mock.calls.map(([, , , options]) => options);
    scrypt.mockRestore();
    syncBuiltinESMExports();
    expect(hashed).toMatchObject([{ N: 2 ** cost.logN, r: cost.r, p: cost.p }]);
  });

  it('is not let in with a password that is empty', async () => {
    const { people } = await setUp();
    await expect(people.login('nobody', '')).rejects.toThrow('Wrong user name or password');
  });
});

describe('attempts at the same time', () => {
  it('are counted before the password is looked at: no more are checked than in a row', async () => {
    const { clock, test } = await setUp();
    const gate = new PasswordGate(test.store, clock);
    let checked = 0;
    const attempts = Array.from({ length: 12 }, () =>
      gate.attempt('alice', async () => {
        checked += 1;
        return Promise.resolve(false);
      }),
    );
    const outcomes = Promise.allSettled(attempts);
    await clock.advance(100);
    const refused = (await outcomes).filter(({ status }) => status === 'rejected');
    expect([checked, refused.length]).toEqual([5, 7]);
  });

  it('with the right password all get in, however many', async () => {
    const { clock, test } = await setUp();
    const gate = new PasswordGate(test.store, clock);
    const attempts = Array.from({ length: 12 }, () =>
      gate.attempt('alice', () => Promise.resolve(true)),
    );
    const outcomes = Promise.all(attempts);
    await clock.advance(500);
    expect(await outcomes).toEqual(Array.from({ length: 12 }, () => true));
  });

  it('that were never settled count as wrong after a while', async () => {
    const { clock, test } = await setUp();
    const gate = new PasswordGate(test.store, clock);
    for (let i = 0; i < 5; i += 1) void gate.attempt('alice', () => new Promise(() => undefined));
    await clock.advance(9_000);
    const sixth = gate.attempt('ALICE', () => Promise.resolve(false));
    await clock.advance(2_000);
    expect(await sixth).toBe(false);
    await expect(gate.attempt('alice', () => Promise.resolve(true))).rejects.toMatchObject({
      message: 'Too many wrong passwords',
      hint: 'Try again in 1 s.',
    });
  });
});

describe('a name', () => {
  it.each([
    '👩‍💻',
    '👩🏽‍💻 at work',
    '👨‍👩‍👧‍👦',
    '🇩🇪',
    '👍🏽',
    '❤️',
    '1️⃣',
    '\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
    'Straße',
    '可愛い',
    'e\u0301te\u0301',
    '12a',
    '👩‍💻'.repeat(64),
  ])('may be %j', (name) => {
    expect(checkName('user', name)).toBe(name);
  });

  it.each([
    ['12', 'is only digits'],
    ['１２', 'is only digits'],
    ['١٢', 'is only digits'],
    ['१२३', 'is only digits'],
    ['𝟙𝟚', 'is only digits'],
    ['①②', 'is only digits'],
    ['²', 'is only digits'],
    ['a／b', 'contains "/"'],
    ['a\u200db', 'cannot be printed'],
    ['👩\u200d', 'cannot be printed'],
    ['\u200d👩', 'cannot be printed'],
    ['👩\u200db', 'cannot be printed'],
    ['a\ufe0f', 'cannot be printed'],
    ['a\u202eb', 'cannot be printed'],
    ['a\u{e0067}', 'cannot be printed'],
    ['\u3164', 'cannot be printed'],
    ['a\u034fb', 'cannot be printed'],
    ['\u2800', 'cannot be printed'],
    ['👩‍💻'.repeat(65), 'is longer than 64'],
  ])('may not be %j', (name, wrong) => {
    expect(() => checkName('user', name)).toThrow(wrong);
  });

  it.each([
    ['ADA', 'ada', true],
    ['Ａda', 'ada', true],
    ['STRAẞE', 'straße', true],
    ['STRASSE', 'straße', false],
    ['❤️', '❤', true],
    ['e\u0301', 'é', true],
    ['👩‍💻', '👩💻', false],
  ])('%s and %s: the same is %s', (a, b, isSame) => {
    expect(nameKey(a) === nameKey(b)).toBe(isSame);
  });
});
