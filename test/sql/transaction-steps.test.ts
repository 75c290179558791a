import { describe, expect, it } from 'vitest';
import { transactionSteps, type TransactionStep } from '../../src/sql/transaction-steps.ts';

describe('what a statement says of a transaction', () => {
  const steps: Record<TransactionStep, readonly string[]> = {
    hides: ['CALL p()', 'EXECUTE b', "EXECUTE IMMEDIATE 'BEGIN'", 'BEGIN NOT ATOMIC SELECT 1; END'],
    opens: [
      'BEGIN',
      'begin work',
      ' /* pool */ BEGIN;',
      '-- begin it\nbegin',
      'BEGIN /* app:1 */',
      'BEGIN -- x',
      'START /* a */ TRANSACTION',
      'BEGIN # x\n WORK ;',
      'START TRANSACTION',
      'start transaction with consistent snapshot, read only',
      '/*!40100 START TRANSACTION */',
      "XA START 'x'",
      "xa begin 'x', 'y', 1",
      'COMMIT AND CHAIN',
      'ROLLBACK WORK AND CHAIN NO RELEASE',
    ],
    ends: [
      'COMMIT',
      'commit work',
      'ROLLBACK',
      'COMMIT AND NO CHAIN',
      "XA COMMIT 'x' ONE PHASE",
      "XA ROLLBACK 'x'",
    ],
    touches: [
      'SELECT a FROM t',
      'SELECT 1 FROM DUAL UNION SELECT a FROM t',
      '(SELECT a FROM t) UNION SELECT 1',
      'INSERT INTO t VALUES (1)',
      'update t set a = 1',
      'DELETE FROM t',
      'REPLACE t VALUES (1)',
      'WITH x AS (SELECT 1) SELECT a FROM t',
    ],
    keeps: [
      'CREATE TEMPORARY TABLE t (id INT)',
      'create or replace temporary table t (id INT)',
      'CREATE /* x */ TEMPORARY TABLE t (id INT)',
      'SET SESSION completion_type = CHAIN',
      'SET `completion_type` = CHAIN',
    ],
    nothing: [
      'SELECT 1',
      'SELECT 1 FROM DUAL',
      "SELECT 'from t'",
      'SELECT `from` /* from t */',
      'SELECT RELEASE_LOCK(1)',
      'ROLLBACK TO SAVEPOINT a',
      'ROLLBACK WORK TO a',
      'SAVEPOINT a',
      "XA END 'x'",
      "XA PREPARE 'x'",
      'SET autocommit = 0',
      'ROLLBACK /* */ TO a',
      'START SLAVE',
      'CREATE TABLE t (id INT)',
      '',
    ],
  };
  for (const [step, statements] of Object.entries(steps)) {
    it.each(statements)(`is "${step}" for %j`, (sql) => {
      expect(transactionSteps(sql)).toEqual([step]);
    });
  }

  it.each<[string, readonly TransactionStep[]]>([
    ['COMMIT; BEGIN', ['ends', 'opens']],
    ['BEGIN; UPDATE t SET a = 1', ['opens', 'touches']],
    ['SET @z = 1; START TRANSACTION', ['nothing', 'opens']],
    ["SELECT ';BEGIN' FROM t; COMMIT", ['touches', 'ends']],
    ['SET @a = 1; CREATE TEMPORARY TABLE t (id INT)', ['nothing', 'keeps']],
  ])('is said of each of %j', (sql, expected) => {
    expect(transactionSteps(sql)).toEqual(expected);
  });

  it('is that of what is prepared, where that is known', () => {
    const texts = new Map([
      ['b', 'START TRANSACTION'],
      ['loop', 'EXECUTE loop'],
      ['hidden', '/* x */ EXECUTE hidden'],
    ]);
    const stepsOf = (sql: string): TransactionStep[] =>
      transactionSteps(sql, (name) => texts.get(name));
    expect(stepsOf('EXECUTE `B` USING @a')).toEqual(['opens']);
    expect(stepsOf('EXECUTE loop')).toEqual(['hides']);
    expect(stepsOf('EXECUTE hidden')).toEqual(['hides']);
    expect(stepsOf('EXECUTE other')).toEqual(['hides']);
  });

  it.each([
    ['-- ', '\n x'],
    ['/* */ ', 'x'],
    ['# # ', '\nx'],
    ['/*', ''],
  ])('is read in one way of a text full of %j', (part, end) => {
    // Tried in all ways it would take longer than anybody lives.
    for (const word of ['BEGIN ', 'START ', 'COMMIT ', 'CREATE ', 'EXECUTE ']) {
      expect(transactionSteps(`${word}${part.repeat(50_000)}${end}`)).toHaveLength(1);
    }
  });
});
