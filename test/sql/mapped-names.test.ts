import { describe, expect, it } from 'vitest';
import { mappedNames } from '../../src/sql/mapped-names.ts';

const NAMES = new Map([
  ['shop', 'shop2'],
  ['old shop', 'new`shop'],
]);

describe('databases of other names', () => {
  it.each([
    ['SELECT * FROM shop.orders', 'SELECT * FROM `shop2`.orders'],
    ['SELECT * FROM `shop` . `orders`', 'SELECT * FROM `shop2` . `orders`'],
    ['SELECT shop.orders.id FROM shop.orders', 'SELECT `shop2`.orders.id FROM `shop2`.orders'],
    ['SELECT shop.id FROM orders AS shop', 'SELECT shop.id FROM orders AS shop'],
    ['SELECT shop.id FROM shop.orders shop', 'SELECT shop.id FROM `shop2`.orders shop'],
    [
      'INSERT INTO shop.t SELECT shop FROM other.t',
      'INSERT INTO `shop2`.t SELECT shop FROM other.t',
    ],
    ['UPDATE shop.a, b SET b.x = shop.a.x', 'UPDATE `shop2`.a, b SET b.x = `shop2`.a.x'],
    ['DELETE FROM shop.t WHERE name = "shop.t"', 'DELETE FROM `shop2`.t WHERE name = "shop.t"'],
    ['CALL shop.archive(1)', 'CALL `shop2`.archive(1)'],
    ['SELECT shop.total(1), @shop', 'SELECT `shop2`.total(1), @shop'],
    ['USE shop', 'USE `shop2`'],
    ['use `old shop`', 'use `new``shop`'],
    ['CREATE DATABASE IF NOT EXISTS shop', 'CREATE DATABASE IF NOT EXISTS `shop2`'],
    ['DROP SCHEMA shop', 'DROP SCHEMA `shop2`'],
    ['SHOW TABLES FROM shop', 'SHOW TABLES FROM `shop2`'],
    ['CREATE TABLE shop.t (shop INT)', 'CREATE TABLE `shop2`.t (shop INT)'],
    ['SELECT shop FROM t', 'SELECT shop FROM t'],
    ['SELECT 1 /* shop.orders */', 'SELECT 1 /* shop.orders */'],
    ['SELECT * FROM shopping.orders', 'SELECT * FROM shopping.orders'],
  ])('%s', (sql, expected) => {
    expect(mappedNames(sql, NAMES)).toBe(expected);
  });
});
