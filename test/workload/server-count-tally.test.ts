import { describe, expect, it } from 'vitest';
import type { StatementFlag, StatementKind } from '../../src/core/workloads/statements.ts';
import { NO_ROWS } from '../../src/core/verification/server-counters.ts';
import { ServerCountTally } from '../../src/workload/server-count-tally.ts';
import { aStatement } from './statements.ts';

function heard(sql: string, kind: StatementKind = 'query', flags: StatementFlag[] = []) {
  const counter = new ServerCountTally();
  counter.add([aStatement({ sql, kind, flags })]);
  return counter.counts();
}

describe('a text', () => {
  // What MariaDB 10.11's counter Questions grew by, less one for the text itself (tried).
  it.each([
    ['SELECT 1', 0],
    ['SELECT 1;', 0],
    ['SELECT 1; ', 0],
    ['SELECT 1;;', 0],
    ['SELECT 1; ;', 0],
    ['SELECT 1; -- x', 1],
    ['SELECT 1; /* x */', 1],
    ['SELECT 1; SELECT 2', 1],
    ['SELECT 1; SELECT 2;', 1],
    ['SELECT 1; SELECT 2; SELECT 3', 2],
    ['SELECT 1;; SELECT 3', 1],
    ['; SELECT 1', 0],
    ['', 0],
    ["SELECT ';'; SELECT 'it''s; \\'; \\\\'; SELECT `a;b`, \";\"", 2],
    ['SELECT 1 /* ; */; SELECT 2 -- ;\n, 3 # ;', 1],
    ["SELECT 'open; SELECT 2", 0],
    ['SELECT 1 /* open; SELECT 2', 0],
    ['SELECT 5--3; SELECT 2', 1],
  ])('%j has %d further statements', (sql, parts) => {
    expect(heard(sql)).toMatchObject({ commands: 1, parts, doubtfulParts: 0 });
  });

  it.each([
    'BEGIN NOT ATOMIC SELECT 1; SELECT 2; END',
    'CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END',
    'create or replace definer=x function f() returns int begin set @a = 1; return 2; end',
    'IF @a THEN SELECT 1; SELECT 2; END IF',
  ])('%j may hold its `;` within', (sql) => {
    expect(heard(sql)).toMatchObject({ commands: 1, parts: 0, doubtfulParts: 2 });
  });

  // What backslashes do is not in the log; of these texts the server can parse but one reading.
  it.each([
    [String.raw`INSERT INTO t VALUES (1,'it\'s; b')`, 0],
    [String.raw`UPDATE t SET a = 'say \"x\"; y', b = "\"; z"`, 0],
    [String.raw`SELECT * FROM t WHERE a = '\'; b'`, 0],
    [String.raw`INSERT INTO t VALUES ('a\'; b', 'c\'; d'); SELECT 2`, 1],
    [String.raw`INSERT INTO t VALUES ('C:\'); SELECT 2`, 1],
    [String.raw`INSERT INTO t VALUES ('C:\', 'x; y')`, 0],
    [String.raw`SELECT '表\'; SELECT 'it\'s'`, 1],
  ])('%j with escaped quotes has %d further statements for certain', (sql, parts) => {
    const nothing = { doubtfulParts: 0, unescapedParts: 0 };
    expect(heard(sql)).toMatchObject({ commands: 1, parts, ...nothing });
  });

  it('that can be read with and without escapes is in doubt', () => {
    const both = String.raw`SELECT '\'; SELECT 2 -- '`;
    expect(heard(both)).toMatchObject({ parts: 0, doubtfulParts: 0, unescapedParts: 1 });
  });

  it('in doubt stays where an older version counted it', () => {
    const { unescapedParts, ...older } = NO_ROWS;
    expect(unescapedParts).toBe(0);
    const counter = new ServerCountTally(older);
    const now = new ServerCountTally();
    for (const each of [counter, now]) {
      each.add([aStatement({ sql: String.raw`SELECT '\'; SELECT 2 -- '` })]);
    }
    now.merge(counter.counts());
    for (const counts of [counter.counts(), now.counts()]) {
      expect(counts.unescapedParts).toBeUndefined();
    }
    expect(now.counts().doubtfulParts).toBe(2);
  });

  it('is counted to its end, however long', () => {
    // The limit of a test is not enough for the square of that.
    const text = `INSERT INTO t VALUES ('${'a;b\\\\'.repeat(400_000)}'); SELECT 2`;
    expect(heard(text).parts).toBe(1);
  });
});

describe('a row', () => {
  it.each([
    ['execute', 'SELECT 1', [], { commands: 1, executes: 1 }],
    ['execute', 'SELECT 1', ['echo'], { commands: 0, executes: 1 }],
    ['prepare', 'SELECT ?', [], { commands: 0 }],
    ['close', '', [], { commands: 0 }],
    ['connect', 'root@localhost on ', [], { commands: 0 }],
    ['quit', '', [], { commands: 1 }],
    ['init_db', 'shop', [], { commands: 1 }],
    ['change_user', 'root@localhost on ', [], { commands: 1, changeUsers: 1 }],
    ['other', '', [], { commands: 0, others: 1 }],
    ['query', 'set names utf8', [], { commands: 1, sets: 1 }],
    ['query', 'SELECT 1; SET @a = 1', [], { commands: 1, parts: 1, sets: 1 }],
    ['query', 'settle', [], { commands: 1, sets: 0 }],
    ['query', 'SET STATEMENT max_statement_time=1 FOR SELECT 1', [], { commands: 1, sets: 0 }],
  ] as const)('of kind %s (%j, %j) is %j', (kind, sql, flags, expected) => {
    expect(heard(sql, kind, [...flags])).toMatchObject(expected);
  });
});

it('what replication applies was run and not received', () => {
  const counter = new ServerCountTally();
  counter.add([
    aStatement({ sql: 'BEGIN', user: null }),
    aStatement({ sql: 'INSERT INTO t VALUES (1)', user: '<replication_slave>' }),
    aStatement({ sql: 'SELECT 1' }),
  ]);
  expect(counter.counts()).toMatchObject({ commands: 1, statements: 3 });
});
