import { describe, expect, test } from 'vitest';
import { digestText } from '../../src/sql/digest.ts';
import { MOST_TABLES, tablesOf } from '../../src/sql/tables.ts';

/** `r:a w:b rw:c` of the tables of a text. */
function uses(sql: string): string {
  return tablesOf(sql)
    .map(({ table, reads, writes }) => `${reads ? 'r' : ''}${writes ? 'w' : ''}:${table}`)
    .join(' ');
}

const CASES: readonly (readonly [string, string])[] = [
  ['SELECT 1', ''],
  ['SELECT 1 FROM DUAL', ''],
  ['SELECT * FROM t', 'r:t'],
  ['SELECT * FROM `T x`.`y``z` WHERE a = 1', 'r:T x.y`z'],
  ['select a from shop . orders o', 'r:shop.orders'],
  ['SELECT * FROM t1, t2 AS x, (t3, t4) WHERE t1.a IN (1, 2)', 'r:t1 r:t2 r:t3 r:t4'],
  ['SELECT * FROM a LEFT JOIN b ON a.x = b.y AND b.z IN (1, 2), c', 'r:a r:b r:c'],
  ['SELECT * FROM ((a JOIN b USING (x)) JOIN c USING (y))', 'r:a r:b r:c'],
  ['SELECT * FROM ((SELECT 1 FROM a) UNION (SELECT 2 FROM b)) x', 'r:a r:b'],
  ['SELECT (SELECT max(x) FROM u) FROM t WHERE EXISTS (SELECT 1 FROM v)', 'r:u r:t r:v'],
  ['SELECT * FROM (SELECT * FROM t) AS d JOIN u', 'r:t r:u'],
  ['SELECT EXTRACT(YEAR FROM d), TRIM(x FROM y), SUBSTRING(a FROM 2) FROM t', 'r:t'],
  ['SELECT * FROM t FORCE INDEX FOR JOIN (i), u IGNORE INDEX FOR ORDER BY (j, k)', 'r:t r:u'],
  ['SELECT * FROM t PARTITION (p0, p1), u FOR UPDATE', 'r:t r:u'],
  ['SELECT * FROM t FOR UPDATE OF t SKIP LOCKED', 'r:t'],
  ['SELECT a INTO OUTFILE "/x" FROM t', 'r:t'],
  ['SELECT a FROM t INTO @x', 'r:t'],
  ["SELECT * FROM JSON_TABLE('[]', '$' COLUMNS (a INT PATH '$')) j, t", 'r:t'],
  ['SELECT status.name FROM status, date', 'r:status r:date'],
  ['TABLE t', 'r:t'],
  ['(SELECT * FROM a) UNION ALL TABLE b ORDER BY 1', 'r:a r:b'],
  ['VALUES ROW(1, 2)', ''],
  ['SELECT 1; SELECT * FROM t; TRUNCATE u;', 'r:t w:u'],
  ['WITH c AS (SELECT * FROM t) SELECT * FROM c JOIN u', 'r:t r:u'],
  [
    'WITH RECURSIVE c (n) AS (SELECT 1 UNION SELECT n + 1 FROM C), d AS (TABLE t) SELECT * FROM c, d',
    'r:t',
  ],
  ['WITH c AS (SELECT 1) SELECT * FROM shop.c', 'r:shop.c'],
  ['WITH c AS (SELECT * FROM t) DELETE FROM u WHERE a IN (SELECT a FROM c)', 'r:t w:u'],
  ['SELECT a, count(*) FROM t GROUP BY a WITH ROLLUP', 'r:t'],
  ['INSERT INTO t (a, b) VALUES (1, 2), (3, 4)', 'w:t'],
  ['INSERT IGNORE shop.t VALUES ((SELECT max(a) FROM u))', 'w:shop.t r:u'],
  ['INSERT INTO t SELECT * FROM t JOIN u', 'rw:t r:u'],
  ['INSERT INTO t SET a = 1 ON DUPLICATE KEY UPDATE b = b + 1', 'w:t'],
  ['REPLACE LOW_PRIORITY INTO t TABLE u', 'w:t r:u'],
  ['INSERT INTO t WITH c AS (SELECT * FROM u) SELECT * FROM c', 'w:t r:u'],
  ['UPDATE LOW_PRIORITY t SET a = 1 WHERE b = 2', 'w:t'],
  ['UPDATE t SET a = (SELECT max(b) FROM u), c = 2', 'w:t r:u'],
  ['UPDATE t x JOIN u y ON x.a = y.b SET y.c = 1, d = 2', 'r:t w:u'],
  ['UPDATE t, u SET t.a = 1, u.b = 2', 'w:t w:u'],
  ['UPDATE t JOIN (SELECT * FROM u) y SET a = 1', 'w:t r:u'],
  ['DELETE FROM t WHERE a = 1', 'w:t'],
  ['DELETE QUICK FROM t AS x WHERE x.a IN (SELECT a FROM u)', 'w:t r:u'],
  ['DELETE x, u.* FROM t x JOIN u JOIN v', 'w:t w:u r:v'],
  ['DELETE FROM x USING t AS x JOIN u USING (a)', 'w:t r:u'],
  ["LOAD DATA LOCAL INFILE '/x' REPLACE INTO TABLE shop.t FIELDS TERMINATED BY ','", 'w:shop.t'],
  ['CREATE TABLE IF NOT EXISTS t (a INT, b INT REFERENCES u (x), KEY k (b))', 'w:t r:u'],
  ['CREATE TEMPORARY TABLE t LIKE u', 'w:t r:u'],
  ['CREATE TABLE t (PRIMARY KEY (a)) SELECT * FROM u', 'w:t r:u'],
  ['CREATE OR REPLACE ALGORITHM = MERGE VIEW v AS SELECT * FROM t', 'w:v r:t'],
  ['CREATE UNIQUE INDEX i ON t (a)', 'w:t'],
  ['CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW DELETE FROM u', 'w:t'],
  ['CREATE PROCEDURE p() BEGIN DELETE FROM t; SELECT 1 FROM u; END', ''],
  ['DROP TABLE IF EXISTS a, shop.b', 'w:a w:shop.b'],
  ['DROP INDEX i ON t', 'w:t'],
  ['DROP DATABASE shop', ''],
  ['ALTER TABLE t ADD COLUMN a INT, RENAME COLUMN b TO c, RENAME TO u', 'w:t w:u'],
  ['ALTER TABLE t EXCHANGE PARTITION p WITH TABLE u', 'w:t w:u'],
  ['RENAME TABLE a TO b, c TO shop.d', 'w:a w:b w:c w:shop.d'],
  ['TRUNCATE TABLE t', 'w:t'],
  ['LOCK TABLES a READ, b AS x LOW_PRIORITY WRITE, c WRITE', 'r:a w:b w:c'],
  ['ANALYZE TABLE a, b', 'r:a r:b'],
  ['OPTIMIZE LOCAL TABLE a', 'w:a'],
  ['EXPLAIN FORMAT = JSON SELECT * FROM t', 'r:t'],
  ['DESC t', 'r:t'],
  ['SHOW FULL COLUMNS FROM t FROM shop', 'r:shop.t'],
  ['SHOW TABLES FROM shop', ''],
  ['SHOW CREATE TABLE t', 'r:t'],
  ['CALL p((SELECT 1 FROM t))', 'r:t'],
  ['CALL shop.p(1)', ''],
  ['SET @a = (SELECT max(a) FROM t)', 'r:t'],
  ['SELECT @FROM, t.FROM FROM u', 'r:u'],
  ['SET STATEMENT max_statement_time = 1 FOR SELECT * FROM t', 'r:t'],
  ["GRANT SELECT ON shop.t TO 'u'@'%'", ''],
  ['/* FROM x */ SELECT /*+ NO_MERGE(x) */ 1 -- FROM y\n FROM t', 'r:t'],
  ["SELECT 'a FROM b' FROM t", 'r:t'],
];

describe('tables of a statement', () => {
  test.each(CASES)('%s', (sql, expected) => {
    expect(uses(sql)).toBe(expected);
    expect(uses(digestText(sql))).toBe(expected);
  });
});

test('no more tables than the limit are told', () => {
  const names = Array.from({ length: 100 }, (_, i) => `t${i}`);
  expect(tablesOf(`SELECT * FROM ${names.join(', ')}`)).toHaveLength(MOST_TABLES);
});

test('hostile texts are read in a bounded time', () => {
  const start = performance.now();
  for (const part of [
    '(',
    'FROM ',
    'SELECT * FROM (',
    'WITH a AS (',
    'JOIN a ',
    "'",
    '`',
    'a.',
    ',',
    ')',
  ]) {
    tablesOf(part.repeat(300_000));
    tablesOf(`SELECT * FROM ${part.repeat(300_000)}`);
    tablesOf(`LOCK TABLES ${part.repeat(300_000)}`);
  }
  expect(performance.now() - start).toBeLessThan(20_000);
});
