import { describe, expect, test } from 'vitest';
import type { StatementKind } from '../../../../src/core/workloads/statements.ts';
import { SessionTracker } from '../../../../src/source/mysql/reading/session-tracker.ts';
import { databaseOfConnect, parseUserHost } from '../../../../src/source/mysql/reading/accounts.ts';

/** Feeds rows of one session and returns the flags of each. */
function follow(
  tracker: SessionTracker,
  rows: readonly (readonly [StatementKind, string])[],
  id = 7,
): string[] {
  return rows.map(([kind, sql]) =>
    tracker.follow(tracker.session(id), kind, sql, sql.includes('\\x')).join(','),
  );
}

describe('the default database', () => {
  test.each<[string, readonly (readonly [StatementKind, string])[], string | null]>([
    ['comes with the login', [['connect', 'root@localhost on shop using TCP/IP']], 'shop'],
    ['is none after a login without one', [['connect', 'root@localhost on  using Socket']], null],
    ['comes with COM_INIT_DB', [['init_db', 'we ird']], 'we ird'],
    ['comes with USE', [['query', 'use `we ird`']], 'we ird'],
    ['comes with a USE behind a comment', [['query', '/* c */ USE shop']], 'shop'],
    ['comes with the last USE of several', [['query', "SELECT ';use a'; use b; SELECT 1"]], 'b'],
    [
      'changes with COM_CHANGE_USER',
      [
        ['init_db', 'a'],
        ['change_user', 'u2@localhost on d1 using TCP/IP'],
      ],
      'd1',
    ],
    [
      'is gone when it is dropped',
      [
        ['init_db', 'a'],
        ['query', 'DROP DATABASE a'],
      ],
      null,
    ],
    [
      'stays when another is dropped',
      [
        ['init_db', 'a'],
        ['query', 'drop database b'],
      ],
      'a',
    ],
    [
      'stays when a USE is refused',
      [
        ['init_db', 'a'],
        ['query', 'USE b'],
        ['connect', "Access denied for user 'u'@'%' to database 'b'"],
      ],
      'a',
    ],
    [
      'stays when a COM_INIT_DB is refused, whatever was asked for before',
      [
        ['init_db', 'a'],
        ['query', 'USE b'],
        ['query', 'SELECT 1'],
        ['connect', "Access denied for user 'u'@'%' to database 'c'"],
      ],
      'b',
    ],
    [
      'stays when a COM_CHANGE_USER is refused',
      [
        ['connect', 'root@localhost on a using Socket'],
        ['change_user', 'u2@localhost on b using Socket'],
        ['connect', "Access denied for user 'u2'@'localhost' (using password: YES)"],
      ],
      'a',
    ],
    [
      'comes with a USE that was prepared',
      [
        ['init_db', 'a'],
        ['prepare', 'USE b'],
        ['execute', 'USE b'],
      ],
      'b',
    ],
    [
      'is not taken from the body of a procedure',
      [
        ['init_db', 'a'],
        ['query', 'CREATE PROCEDURE p() BEGIN SELECT 1; USE b; END'],
      ],
      'a',
    ],
    [
      'is not taken from a literal',
      [
        ['init_db', 'a'],
        ['query', "SELECT 'x; use b'"],
      ],
      'a',
    ],
  ])('%s', (_title, rows, db) => {
    const tracker = new SessionTracker();
    follow(tracker, rows);
    expect(tracker.session(7).db).toBe(db);
  });
});

describe('rows that repeat another', () => {
  test('the Prepare and Execute rows of text-protocol statements are echoes', () => {
    expect(
      follow(new SessionTracker(), [
        [
          'query',
          "/* c */ PREPARE p FROM 'select ?'; SET @a=1; EXECUTE p USING @a; EXECUTE p USING @a",
        ],
        ['prepare', 'select ?'],
        ['execute', 'select 1'],
        ['execute', 'select 1'],
        ['execute', 'select 2'],
      ]),
    ).toEqual(['', 'echo', 'echo', 'echo', '']);
  });

  test('EXECUTE IMMEDIATE is echoed by both rows', () => {
    expect(
      follow(new SessionTracker(), [
        ['query', "EXECUTE IMMEDIATE 'select 5'"],
        ['prepare', 'select 5'],
        ['execute', 'select 5'],
      ]),
    ).toEqual(['', 'echo', 'echo']);
  });

  test('an Execute after another query of the session is a statement of its own', () => {
    expect(
      follow(new SessionTracker(), [
        ['query', 'EXECUTE unknown_name'],
        ['query', 'SELECT 1'],
        ['execute', 'select 1'],
      ]),
    ).toEqual(['', '', '']);
  });

  test('a Prepare of another text is a statement of its own', () => {
    expect(
      follow(new SessionTracker(), [
        ['query', "PREPARE p FROM 'select from'; EXECUTE p"],
        ['prepare', 'select ?'],
        ['execute', 'select 1'],
        ['query', "PREPARE p FROM 'select 1; '"],
        ['prepare', 'select 1'],
      ]),
    ).toEqual(['', '', '', '', 'echo']);
  });

  test('an Execute after the EXECUTE of a name that is not prepared is a statement of its own', () => {
    expect(
      follow(new SessionTracker(), [
        ['connect', 'root@localhost on  using Socket'],
        ['query', 'EXECUTE unknown'],
        ['execute', 'select 1'],
        ['query', "PREPARE `P` FROM 'select 2'"],
        ['prepare', 'select 2'],
        ['query', 'EXECUTE p'],
        ['execute', 'select 2'],
      ]),
    ).toEqual(['', '', '', '', 'echo', '', 'echo']);
  });

  test('what is pending is remembered across recorders', () => {
    const before = new SessionTracker();
    follow(before, [['query', 'EXECUTE p']]);
    const after = new SessionTracker();
    after.restore(before.takeChanges().changed);
    expect(follow(after, [['execute', 'select 1']])).toEqual(['echo']);
  });

  test('the Prepare row of a PREPARE without its text is the statement, across recorders, too', () => {
    const before = new SessionTracker();
    expect(follow(before, [['query', 'PREPARE p FROM ...']])).toEqual(['partial']);
    const after = new SessionTracker();
    after.restore(before.takeChanges().changed);
    expect(follow(after, [['prepare', 'select 1']])).toEqual(['']);
  });
});

describe('what the server cannot say', () => {
  test('an Execute with a bare placeholder was prepared before the log was on', () => {
    expect(
      follow(new SessionTracker(), [
        ['execute', 'select ? as a'],
        ['execute', "select '?' as a"],
        ['prepare', 'select ?'],
      ]),
    ).toEqual(['unreplayable', '', '']);
  });

  test('bytes that the server wrote as text are lossy', () => {
    expect(
      follow(new SessionTracker(), [
        ['query', "select '\\xFF\\xFE'"],
        ['execute', "insert into t values ('\\\\xE9')"],
        ['query', "select '\\x41'"],
        ['query', 'select 1'],
      ]),
    ).toEqual(['lossy', 'lossy', '', '']);
  });
});

test('a change of database is unconfirmed until the server says what came of it', () => {
  const tracker = new SessionTracker();
  follow(tracker, [['query', 'USE a']], 7);
  follow(tracker, [['query', 'USE b']], 8);
  follow(tracker, [['init_db', 'c']], 9);
  expect(tracker.unconfirmed(1)).toEqual([7]);
  expect(tracker.unconfirmed(10)).toEqual([8, 7]);
  tracker.confirm(7, 'before');
  follow(tracker, [['quit', '']], 8);
  expect(tracker.unconfirmed(10)).toEqual([]);
  expect(tracker.session(7).db).toBe('before');
});

describe('changes to be stored', () => {
  test('are told once, with ended sessions', () => {
    const tracker = new SessionTracker();
    tracker.identify(tracker.session(7), Buffer.from('root[root] @ localhost []'));
    follow(tracker, [['init_db', 'a']]);
    follow(tracker, [['quit', '']], 8);
    expect(tracker.takeChanges()).toEqual({
      changed: [{ session: 7, user: 'root', host: 'localhost', db: 'a', memory: null }],
      ended: [8],
    });
    expect(tracker.takeChanges()).toEqual({ changed: [], ended: [] });
  });

  test('a refused login leaves nothing behind', () => {
    const tracker = new SessionTracker();
    follow(tracker, [
      ['connect', 'nobody@localhost on  using TCP/IP'],
      ['connect', "Access denied for user 'nobody'@'localhost' (using password: YES)"],
    ]);
    expect(tracker.takeChanges()).toEqual({ changed: [], ended: [7] });
  });

  test('a session whose id comes again is no longer ended', () => {
    const tracker = new SessionTracker();
    follow(tracker, [
      ['quit', ''],
      ['init_db', 'a'],
    ]);
    const { changed, ended } = tracker.takeChanges();
    expect(ended).toEqual([]);
    expect(changed.map(({ session }) => session)).toEqual([7]);
  });
});

test.each([
  ['root[root] @ localhost []', { user: 'root', host: 'localhost' }],
  ['[root] @ localhost [127.0.0.1]', { user: 'root', host: 'localhost' }],
  ['app[app] @  [10.0.0.7]', { user: 'app', host: '10.0.0.7' }],
  ['[odd name]] @ host [1.2.3.4]', { user: 'odd name]', host: 'host' }],
  // MariaDB 10.11 and MySQL 9.7 write these.
  [
    'we[ird] @ h[we[ird] @ h] @ localhost [127.0.0.1]',
    { user: 'we[ird] @ h', host: 'localhost', privileged: 'we[ird] @ h' },
  ],
  ['[nobody[x]] @ localhost []', { user: 'nobody[x]', host: 'localhost', privileged: null }],
  ['x[y[x[y] @ localhost [::1]', { user: 'x[y', host: 'localhost' }],
  ['boss[clerk] @ localhost []', { user: 'clerk', host: 'localhost', privileged: 'boss' }],
  ['no such form', { user: null, host: null }],
])('the column user_host %j is read', (text, expected) => {
  expect(parseUserHost(text)).toMatchObject(expected);
});

test.each([
  ['root@localhost on shop using TCP/IP', 'shop'],
  ['root@localhost on  using Socket', null],
  ['root@localhost on we ird using SSL/TLS', 'we ird'],
  ['root@localhost on shop', 'shop'],
  ['root@localhost as anonymous on shop', 'shop'],
  ['u on v@h on db', 'db'],
  ["Access denied for user 'x'@'on y' (using password: NO)", undefined],
])('the row %j names the database %j', (text, db) => {
  expect(databaseOfConnect(text)).toBe(db);
});

test.each([
  ['[root] @ localhost []', 'root@localhost on db on using using Socket', 'db on using'],
  ['[root] @ localhost []', 'root@localhost on a using Socket using TCP/IP', 'a using Socket'],
  ['[u on v] @ h [1.1.1.1]', 'u on v@h on  using TCP/IP', null],
  ['[a@b] @  [1.1.1.1]', 'a@b@1.1.1.1 on x on y using SSL/TLS', 'x on y'],
  ['[we[ird] @ h] @ h [1.1.1.1]', 'we[ird] @ h@h on db on using', 'db on using'],
  ['[guest] @ h [1.1.1.1]', 'guest@h as anonymous on x on y', 'x on y'],
  ['boss on[clerk] @ h [1.1.1.1]', 'clerk@h as boss on on shop', 'shop'],
])('in a row of %j the text %j names the database %j', (userHost, text, db) => {
  expect(databaseOfConnect(text, parseUserHost(userHost))).toBe(db);
});

describe('sessions that end without a Quit', () => {
  /** A tracker that has seen a row of each of these sessions. */
  function trackerOf(...ids: number[]): SessionTracker {
    const tracker = new SessionTracker();
    for (const id of ids) tracker.identify(tracker.session(id), Buffer.from('app[app] @ h []'));
    tracker.takeChanges();
    return tracker;
  }

  test('are over when the server has not listed them twice', () => {
    const tracker = trackerOf(1, 2, 3);
    tracker.reconcile(new Set([2]));
    expect(tracker.takeChanges().ended).toEqual([]);
    tracker.reconcile(new Set([2]));
    expect(tracker.takeChanges().ended).toEqual([1, 3]);
    expect(tracker.stateOf(2)).not.toBeNull();
  });

  test('are not over while their last rows are still being read, or were listed in between', () => {
    const tracker = trackerOf(1, 2);
    tracker.reconcile(new Set());
    tracker.session(1);
    tracker.reconcile(new Set([2]));
    tracker.reconcile(new Set());
    expect(tracker.takeChanges().ended).toEqual([1]);
    tracker.reconcile(new Set());
    expect(tracker.takeChanges().ended).toEqual([2]);
  });

  test('are not told from others where the server does not list all', () => {
    const tracker = trackerOf(1);
    for (let look = 0; look < 4; look++) tracker.reconcile(null);
    expect(tracker.takeChanges().ended).toEqual([]);
  });

  test('are bounded in number: those that were not seen for longest are forgotten', () => {
    const tracker = trackerOf(1, 2);
    tracker.reconcile(null);
    tracker.session(1);
    for (let id = 3; id < 120_000; id++) tracker.session(id);
    const { ended } = tracker.takeChanges();
    expect(ended).toContain(2);
    expect(ended).not.toContain(119_999);
    expect(ended.length).toBeGreaterThan(19_000);
    expect(ended.length).toBeLessThanOrEqual(30_000);
  });
});

describe('whether a session without locks may be in a transaction', () => {
  const held = (...rows: (readonly [StatementKind, string])[]): boolean | null => {
    const tracker = new SessionTracker();
    tracker.followTransactions(true);
    follow(tracker, rows);
    return tracker.mayHold(7, true);
  };

  test.each<[string, readonly (readonly [StatementKind, string])[], boolean | null]>([
    ['is not known before it was seen', [], null],
    ['is not known from what touches no table', [['query', 'SELECT 1']], null],
    ['it is not, having touched a table', [['execute', 'SELECT a FROM t']], false],
    ['it is not when it has just come', [['connect', 'root@localhost on  using Socket']], false],
    ['it may be behind BEGIN', [['query', 'BEGIN']], true],
    ['it may be behind one that was prepared', [['execute', 'START TRANSACTION']], true],
    [
      'it may be still when it then touched a table',
      [
        ['query', 'BEGIN'],
        ['query', 'UPDATE t SET a = 1'],
      ],
      true,
    ],
    [
      'it is not behind COMMIT',
      [
        ['query', 'BEGIN'],
        ['query', 'COMMIT'],
      ],
      false,
    ],
    [
      'a temporary table stays',
      [
        ['query', 'CREATE TEMPORARY TABLE t (id INT)'],
        ['query', 'COMMIT'],
      ],
      true,
    ],
    [
      'a temporary table goes with the user',
      [
        ['query', 'CREATE TEMPORARY TABLE t (id INT)'],
        ['change_user', 'b@localhost on  using TCP/IP'],
      ],
      false,
    ],
  ])('%s', (_what, rows, expected) => {
    expect(held(...rows)).toBe(expected);
  });

  test('is followed only where that was asked for', () => {
    const tracker = new SessionTracker();
    follow(tracker, [['query', 'BEGIN']]);
    expect(tracker.mayHold(7, true)).toBeNull();
    tracker.followTransactions(true);
    follow(tracker, [['query', 'BEGIN']]);
    tracker.followTransactions(false);
    expect(tracker.mayHold(7, true)).toBeNull();
  });

  test('is taken not to be so before its last rows are read where it never was', () => {
    const tracker = new SessionTracker();
    tracker.followTransactions(true);
    expect(tracker.mayHold(7, false)).toBe(true);
    const select = ['execute', 'SELECT a FROM t'] as const;
    follow(
      tracker,
      Array.from({ length: 9 }, () => select),
    );
    expect([tracker.mayHold(7, false), tracker.mayHold(7, true)]).toEqual([true, false]);
    follow(tracker, [select]);
    expect(tracker.mayHold(7, false)).toBe(false);
    follow(tracker, [['query', 'COMMIT'], ...Array.from({ length: 20 }, () => select)]);
    expect([tracker.mayHold(7, false), tracker.mayHold(7, true)]).toEqual([true, false]);
  });
});
