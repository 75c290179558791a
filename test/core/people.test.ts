import { describe, expect, it } from 'vitest';
import {
  formatServerUrl,
  parsePasswordReference,
  parseServerUrl,
} from '../../src/core/environments.ts';
import { AppError } from '../../src/core/errors.ts';
import { checkName, nameKey } from '../../src/core/names.ts';
import { PasswordGate } from '../../src/core/password-gate.ts';
import {
  hashPassword,
  NOBODYS_HASH,
  SCRYPT_COST,
  verifyPassword,
} from '../../src/core/passwords.ts';
import { PeopleService, prepareUser } from '../../src/core/people.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { SERVER, TestStore } from '../support/stores.ts';

const CHEAP = { logN: 4, r: 8, p: 1 };
const DAY = 86_400_000;

async function setUp() {
  const clock = new ManualClock();
  const test = new TestStore(clock);
  const people = new PeopleService(test.store, clock);
  const user = await prepareUser('alice', 'correct horse', CHEAP);
  const session = people.openFirstSession(user);
  return { clock, test, people, session };
}

describe('a password', () => {
  it('is right or wrong by its hash, which carries its salt and cost', async () => {
    const hash = await hashPassword('pässword', CHEAP);
    expect(hash).toMatch(/^scrypt\$4\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
    expect(await verifyPassword('pässword', hash)).toBe(true);
    expect(await verifyPassword('password', hash)).toBe(false);
    expect(await hashPassword('pässword', CHEAP)).not.toBe(hash);
  });

  it('is refused when it is shorter than 8 characters', async () => {
    await expect(prepareUser('alice', 'seven77', CHEAP)).rejects.toThrow(
      'shorter than 8 characters',
    );
  });
});

describe('a session', () => {
  it('proves who somebody is until it expires, and no other secret does', async () => {
    const { clock, people, session } = await setUp();
    expect(people.authenticate(session.secret)).toMatchObject({
      userName: 'alice',
      isStoreAdmin: true,
    });
    expect(() => people.authenticate(`${session.secret}x`)).toThrow(AppError);
    await clock.advance(30 * DAY);
    expect(() => people.authenticate(session.secret)).toThrow('Your session has expired');
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
    people.logout(session.secret);
    expect(() => people.authenticate(session.secret)).toThrow('not logged in');
  });
});

describe('login', () => {
  it('opens a session that lasts as long as was asked for', async () => {
    const { clock, people } = await setUp();
    const { secret, expiresAt } = await people.login('ALICE', 'correct horse', DAY);
    expect(expiresAt).toBe(clock.now() + DAY);
    expect(people.authenticate(secret).userName).toBe('alice');
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

  it('costs the work of the usual hash, once', async () => {
    const [, logN, r, p] = NOBODYS_HASH.split('$').map(Number);
    expect({ logN, r, p }).toEqual(SCRYPT_COST);
    expect(await verifyPassword('', NOBODYS_HASH)).toBe(false);
    const before = process.cpuUsage();
    await hashPassword('x');
    const one = process.cpuUsage(before).user;
    const { people } = await setUp();
    const start = process.cpuUsage();
    await outcome(people.login('nobody', 'correct horse'));
    expect(process.cpuUsage(start).user / one).toBeLessThan(1.7);
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

describe('the URL of a server', () => {
  it.each([
    [
      'mysql://bob@db.example.com',
      { user: 'bob', host: 'db.example.com', port: 3306, socket: null, database: null },
    ],
    [
      'mysql://b%40b@[::1]:3307/shop',
      { user: 'b@b', host: '::1', port: 3307, socket: null, database: 'shop' },
    ],
    [
      'mysql://root@localhost?socket=/run/my.sock',
      { user: 'root', host: 'localhost', port: 3306, socket: '/run/my.sock', database: null },
    ],
  ])('%s', (url, address) => {
    expect(parseServerUrl(url)).toEqual({ engine: 'mysql', ...address });
    expect(parseServerUrl(formatServerUrl({ ...SERVER, ...address }))).toEqual({
      engine: 'mysql',
      ...address,
    });
  });

  it('with a password is refused with the way to do it right, and the password is not shown', () => {
    try {
      parseServerUrl('mysql://bob:s3cret@db');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        code: 'invalid',
        hint: expect.stringContaining('--password-from') as string,
      });
      expect(JSON.stringify([(error as AppError).message, (error as AppError).hint])).not.toContain(
        's3cret',
      );
    }
  });

  it.each([
    'postgres://bob@db',
    'mysql://db',
    'mysql://bob@',
    'bob@db',
    'mysql://bob@db/a/b',
    'mysql://bob@db?ssl=1',
    'mysql://bob@db?socket=x',
    'mysql://bob@db:99999',
    '',
  ])('%s is refused', (url) => {
    expect(() => parseServerUrl(url)).toThrow(AppError);
  });
});

describe('a password reference', () => {
  it.each([
    ['env:DB_PASSWORD', { from: 'env', name: 'DB_PASSWORD' }],
    ['file:/etc/db.pw', { from: 'file', path: '/etc/db.pw' }],
    ['cnf:/etc/my.cnf#captures', { from: 'cnf', path: '/etc/my.cnf', group: 'captures' }],
    ['cnf:/etc/my.cnf', { from: 'cnf', path: '/etc/my.cnf', group: 'client' }],
  ])('%s', (reference, parsed) => {
    expect(parsePasswordReference(reference)).toEqual(parsed);
  });

  it('that is a password itself is refused without showing it', () => {
    try {
      parsePasswordReference('hunter2hunter2');
      expect.unreachable();
    } catch (error) {
      expect((error as AppError).message).not.toContain('hunter2');
    }
  });
});
