import { describe, expect, test } from 'vitest';
import {
  databaseOfDrop,
  databaseOfUse,
  hasPlaceholder,
  splitStatements,
  withoutLeadingComments,
} from '../../src/sql/text.ts';

describe('databaseOfUse', () => {
  test.each([
    ['USE shop', 'shop'],
    ['use `we ird`', 'we ird'],
    ['use `a``b`;', 'a`b'],
    ['USE "quoted"', 'quoted'],
    ['use`tight`', 'tight'],
    ['/* hint */ use shop -- and so on', 'shop'],
    ['-- first\n# second\nUse shop ; ', 'shop'],
    ['use shop/* c */', 'shop'],
    ['/*!40000 USE shop */', 'shop'],
    ['USE', null],
    ['USE ;', null],
    ["USE 'shop'", null],
    ['USE shop FOR', null],
    ['SELECT 1', null],
    ['user_count', null],
    ['use', null],
    ["SELECT 'use shop'", null],
  ])('reads %j as %j', (sql, db) => {
    expect(databaseOfUse(sql)).toBe(db);
  });
});

describe('databaseOfDrop', () => {
  test.each([
    ['DROP DATABASE shop', 'shop'],
    ['drop schema if exists `a b`', 'a b'],
    ['DROP /* x */ DATABASE /*!32312 IF EXISTS */ shop', 'shop'],
    ['DROP TABLE shop', null],
  ])('reads %j as %j', (sql, db) => {
    expect(databaseOfDrop(sql)).toBe(db);
  });
});

describe('hasPlaceholder', () => {
  test.each([
    ['SELECT ?', true],
    ['SELECT \'?\', "?", `?` /* ? */ -- ?', false],
    ["SELECT 'it''s ?', ?", true],
    ["SELECT 'it\\'s ?'", false],
    ['SELECT 1 # ?\n, ?', true],
    ['SELECT 5--?', true],
    ['SELECT /*! ? */ 1', true],
    ['SELECT 1', false],
  ])('says of %j: %j', (sql, expected) => {
    expect(hasPlaceholder(sql)).toBe(expected);
  });

  test('is linear in a long literal', () => {
    const sql = `INSERT INTO t VALUES ('${'?'.repeat(5_000_000)}')`;
    // The limit of a test is not enough for the square of that.
    expect(hasPlaceholder(sql)).toBe(false);
  });
});

test('statements are split outside of literals, names and comments only', () => {
  expect(splitStatements("SELECT ';'; /* ; */ USE `a;b`; -- ;\nSELECT 2")).toEqual([
    "SELECT ';'",
    ' /* ; */ USE `a;b`',
    ' -- ;\nSELECT 2',
  ]);
});

test('the end of a comment that holds code begins none', () => {
  expect(splitStatements('/*! SELECT 1 */* 2; SELECT 3')).toEqual([
    '/*! SELECT 1 */* 2',
    ' SELECT 3',
  ]);
});

test('comments that hold code are code', () => {
  expect(withoutLeadingComments(' /* c */ /*!40000 USE x */')).toBe('/*!40000 USE x */');
});
