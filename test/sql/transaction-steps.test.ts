import { describe, expect, it } from 'vitest';
import { transactionStep, type TransactionStep } from '../../src/sql/transaction-steps.ts';

describe('what a statement says of a transaction', () => {
  const steps: Record<TransactionStep, readonly string[]> = {
    opens: [
      'BEGIN',
      'begin work',
      ' /* pool */ BEGIN;',
      '-- begin it\nbegin',
      'BEGIN; UPDATE t SET a = 1',
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
      '(SELECT a FROM t) UNION SELECT 1',
      'INSERT INTO t VALUES (1)',
      'update t set a = 1',
      'DELETE FROM t',
      'REPLACE t VALUES (1)',
      'WITH x AS (SELECT 1) SELECT a FROM t',
    ],
    keeps: ['CREATE TEMPORARY TABLE t (id INT)', 'create or replace temporary table t (id INT)'],
    nothing: [
      'SELECT 1',
      'SELECT 1 FROM DUAL',
      'SELECT RELEASE_LOCK(1)',
      'ROLLBACK TO SAVEPOINT a',
      'ROLLBACK WORK TO a',
      'SAVEPOINT a',
      "XA END 'x'",
      "XA PREPARE 'x'",
      'BEGIN NOT ATOMIC SELECT 1; END',
      'SET autocommit = 0',
      'START SLAVE',
      'CREATE TABLE t (id INT)',
      '',
    ],
  };
  for (const [step, statements] of Object.entries(steps)) {
    it.each(statements)(`is "${step}" for %j`, (sql) => {
      expect(transactionStep(sql)).toBe(step);
    });
  }
});
