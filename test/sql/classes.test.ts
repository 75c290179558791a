import { describe, expect, it } from 'vitest';
import { STATEMENT_CLASSES } from '../../src/core/captures/recording-options.ts';
import { bitsOf, classesOf, classOf, preparedNamesIn } from '../../src/sql/classes.ts';

/** The classes of a text in words; `all` for all of them, `none`. */
function wordsOf(sql: string, prepared?: Record<string, number>): string {
  const bits = classesOf(sql, (name) => prepared?.[name] ?? null);
  const words = STATEMENT_CLASSES.filter((one) => (bits & bitsOf([one])) !== 0);
  return words.length === STATEMENT_CLASSES.length ? 'all' : words.join(' ') || 'none';
}

/**
 * MySQL 8.4's manual, chapter "SQL Statements", section by section, and MariaDB's list of statements
 * where it has more.
 */
const MANUAL: Record<string, readonly (readonly [string, string])[]> = {
  'Data Definition': [
    ['ALTER DATABASE shop CHARACTER SET utf8mb4', 'ddl'],
    ['ALTER EVENT e DISABLE', 'ddl'],
    ['ALTER FUNCTION f COMMENT "x"', 'ddl'],
    ['ALTER INSTANCE ROTATE INNODB MASTER KEY', 'ddl'],
    ['ALTER PROCEDURE p SQL SECURITY INVOKER', 'ddl'],
    ['ALTER SERVER s OPTIONS (USER "sally")', 'ddl'],
    ['ALTER TABLE t ADD COLUMN c INT', 'ddl'],
    ['ALTER TABLESPACE ts RENAME TO tt', 'ddl'],
    ['ALTER VIEW v AS SELECT 1', 'ddl'],
    ['ALTER SEQUENCE s RESTART 5', 'ddl'],
    ['CREATE DATABASE shop', 'ddl'],
    ['CREATE EVENT e ON SCHEDULE EVERY 1 HOUR DO DELETE FROM t', 'ddl'],
    ['CREATE FUNCTION f() RETURNS INT RETURN 1', 'ddl'],
    ['CREATE UNIQUE INDEX i ON t (c)', 'ddl'],
    ['CREATE LOGFILE GROUP lg ADD UNDOFILE "u"', 'ddl'],
    ['CREATE SPATIAL REFERENCE SYSTEM 4120 NAME "x"', 'ddl'],
    ['CREATE TABLE t (c INT)', 'ddl'],
    ['CREATE TEMPORARY TABLE t SELECT * FROM u', 'ddl'],
    ['CREATE OR REPLACE VIEW v AS SELECT 1', 'ddl'],
    ['CREATE SEQUENCE s', 'ddl'],
    ['DROP TABLE IF EXISTS t', 'ddl'],
    ['DROP DATABASE shop', 'ddl'],
    ['DROP TRIGGER trg', 'ddl'],
    ['RENAME TABLE a TO b', 'ddl'],
    ['TRUNCATE TABLE t', 'ddl'],
    ['TRUNCATE t', 'ddl'],
    ['IMPORT TABLE FROM "/tmp/t.sdi"', 'ddl'],
  ],
  'Data Manipulation': [
    ['CALL p(1)', 'writes'],
    ['DELETE FROM t WHERE id = 1', 'writes'],
    ['DELETE HISTORY FROM t', 'writes'],
    ['DO SLEEP(1)', 'reads'],
    ['HANDLER t OPEN', 'reads'],
    ['HANDLER t READ FIRST', 'reads'],
    ['INSERT INTO t VALUES (1)', 'writes'],
    ['insert into t select * from u', 'writes'],
    ['INSERT INTO t VALUES (1) RETURNING id', 'writes'],
    ["LOAD DATA LOCAL INFILE 'f' INTO TABLE t", 'writes'],
    ["LOAD XML INFILE 'f' INTO TABLE t", 'writes'],
    ['REPLACE INTO t VALUES (1)', 'writes'],
    ['SELECT 1', 'reads'],
    ['select\n* from t', 'reads'],
    ['SELECT(1)', 'reads'],
    ['SELECT * FROM t FOR UPDATE', 'reads'],
    ["SELECT * FROM t INTO OUTFILE '/tmp/f'", 'reads'],
    ['(SELECT 1) UNION (SELECT 2)', 'reads'],
    [' ( ( SELECT 1))', 'reads'],
    ['TABLE t ORDER BY c', 'reads'],
    ['UPDATE t SET c = 1', 'writes'],
    ['VALUES ROW(1, 2)', 'reads'],
    ['WITH a AS (SELECT 1) SELECT * FROM a', 'reads'],
    ['WITH RECURSIVE a (update_, `delete`) AS (SELECT 1) SELECT * FROM a', 'reads'],
    ['WITH a AS (SELECT 1), b AS (SELECT ")") UPDATE t SET c = 1', 'writes'],
    ['WITH a AS (SELECT 1 /* ) SELECT */) DELETE FROM t', 'writes'],
    ['WITH a AS (SELECT 1) (SELECT * FROM a)', 'reads'],
    ['WITH éinsert AS (SELECT 1) SELECT * FROM éinsert', 'reads'],
  ],
  'Transactions and Locking': [
    ['START TRANSACTION WITH CONSISTENT SNAPSHOT', 'writes'],
    ['BEGIN', 'writes'],
    ['BEGIN WORK', 'writes'],
    ['COMMIT', 'writes'],
    ['ROLLBACK TO SAVEPOINT a', 'writes'],
    ['SAVEPOINT a', 'writes'],
    ['RELEASE SAVEPOINT a', 'writes'],
    ['LOCK TABLES t READ', 'writes'],
    ['UNLOCK TABLES', 'writes'],
    ['SET TRANSACTION ISOLATION LEVEL READ COMMITTED', 'all'],
    ["XA START 'a'", 'writes'],
  ],
  Replication: [
    ["PURGE BINARY LOGS TO 'b'", 'none'],
    ['RESET MASTER', 'none'],
    ["CHANGE REPLICATION SOURCE TO SOURCE_HOST='h'", 'none'],
    ['START REPLICA', 'none'],
    ['STOP SLAVE', 'none'],
    ['SHOW REPLICA STATUS', 'reads'],
  ],
  'Prepared Statements': [
    ["PREPARE p FROM 'SELECT ?'", 'reads'],
    ['PREPARE `p q` FROM "UPDATE t SET c = ?"', 'writes'],
    ["PREPARE p FROM _utf8mb4'CREATE TABLE t (c INT)'", 'ddl'],
    ['PREPARE p FROM @text', 'all'],
    ['EXECUTE p', 'writes'],
    ['EXECUTE p USING @a', 'writes'],
    ["EXECUTE IMMEDIATE 'SELECT 1'", 'reads'],
    ['EXECUTE IMMEDIATE CONCAT("SELECT ", 1)', 'writes'],
    ['DEALLOCATE PREPARE p', 'all'],
    ['DROP PREPARE p', 'all'],
  ],
  'Compound Statements': [
    ['BEGIN NOT ATOMIC SELECT 1; UPDATE t SET c = 1; END', 'writes'],
    ['IF 1 THEN SELECT 1; END IF', 'writes'],
    ['WHILE 0 DO SELECT 1; END WHILE', 'writes'],
    ['CREATE PROCEDURE p() BEGIN SELECT 1; UPDATE t SET c = 1; END', 'ddl'],
    ['CREATE DEFINER=`a b`@`%` TRIGGER t BEFORE INSERT ON u FOR EACH ROW BEGIN DO 1; END', 'ddl'],
    [
      '/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER t AFTER INSERT ON u FOR EACH ROW BEGIN DELETE FROM v; END */',
      'ddl',
    ],
    ['CREATE TABLE event (c INT); INSERT INTO event VALUES (1)', 'writes ddl'],
    ['GET DIAGNOSTICS @n = NUMBER', 'reads'],
  ],
  'Account Management': [
    ["ALTER USER u IDENTIFIED BY 'x'", 'ddl'],
    ["CREATE USER u IDENTIFIED BY 'x'", 'ddl'],
    ['CREATE ROLE r', 'ddl'],
    ['DROP USER u', 'ddl'],
    ['GRANT SELECT ON *.* TO u', 'ddl'],
    ['RENAME USER a TO b', 'ddl'],
    ['REVOKE ALL ON *.* FROM u', 'ddl'],
    ['SET DEFAULT ROLE r TO u', 'ddl'],
    ["SET PASSWORD FOR u = 'x'", 'ddl'],
    ['SET ROLE r', 'all'],
  ],
  'Table Maintenance': [
    ['ANALYZE TABLE t', 'none'],
    ['ANALYZE NO_WRITE_TO_BINLOG TABLE t', 'none'],
    ['ANALYZE FORMAT=JSON SELECT 1', 'reads'],
    ['ANALYZE UPDATE t SET c = 1', 'writes'],
    ['CHECK TABLE t', 'reads'],
    ['CHECKSUM TABLE t', 'reads'],
    ['ANALYZE', 'none'],
    ['ANALYZE/**/UPDATE t SET c = 1', 'writes'],
    ['OPTIMIZE TABLE t', 'none'],
    ['REPAIR TABLE t', 'none'],
  ],
  SET: [
    ['SET @a = 1', 'all'],
    ["SET NAMES 'utf8mb4'", 'all'],
    ['SET SESSION sql_mode = ""', 'all'],
    ['SET @@session.sql_mode = ""', 'all'],
    ['SET autocommit=0', 'all'],
    ['SET GLOBAL max_connections = 5', 'none'],
    ['SET @@GLOBAL.max_connections = 5', 'none'],
    ['SET PERSIST max_connections = 5', 'none'],
    ['SET STATEMENT max_statement_time=1 FOR SELECT 1', 'reads'],
    ['SET STATEMENT a=1, b="for" FOR DELETE FROM t', 'writes'],
  ],
  'Utility and SHOW': [
    ['SHOW TABLES', 'reads'],
    ['DESC t', 'reads'],
    ['DESCRIBE t', 'reads'],
    ['EXPLAIN UPDATE t SET c = 1', 'reads'],
    ['EXPLAIN ANALYZE UPDATE t SET c = 1', 'writes'],
    ['DESC FORMAT=TREE ANALYZE DELETE FROM t', 'writes'],
    ['EXPLAIN ANALYZE SELECT 1', 'reads'],
    ["HELP 'x'", 'reads'],
    ['USE shop', 'all'],
  ],
  Administration: [
    ["BINLOG 'base64'", 'writes'],
    ['CACHE INDEX t IN c', 'none'],
    ['FLUSH TABLES WITH READ LOCK', 'none'],
    ['KILL 5', 'none'],
    ['LOAD INDEX INTO CACHE t', 'none'],
    ['RESET QUERY CACHE', 'none'],
    ['SHUTDOWN', 'none'],
    ["INSTALL PLUGIN p SONAME 's'", 'none'],
    ['BACKUP STAGE START', 'none'],
    ['CLONE LOCAL DATA DIRECTORY "/d"', 'none'],
  ],
};

describe.each(Object.entries(MANUAL))('statements of "%s"', (_section, statements) => {
  it.each(statements)('%s is of %s', (sql, words) => {
    expect(wordsOf(sql)).toBe(words);
    expect(wordsOf(`/* a comment */ -- another\n# and one\n ${sql}`)).toBe(words);
  });
});

it.each([
  ['', 'none'],
  [';', 'none'],
  ['garbage', 'none'],
  ['constructor', 'none'],
  ['selectx', 'none'],
  ["'select'", 'none'],
  ['/* only a comment', 'none'],
  ['/*!40101 SET NAMES utf8 */', 'all'],
  ['/*!40000 ALTER TABLE t DISABLE KEYS */', 'ddl'],
  ['/*M!100100 SELECT */ 1', 'reads'],
  ['/*!50000*/ SELECT 1', 'reads'],
  ['SELECT 1;', 'reads'],
  [';SELECT 1', 'reads'],
  ['SELECT 1; DELETE FROM t', 'reads writes'],
  ["SELECT ';'; DROP TABLE t; ", 'reads ddl'],
  ["SELECT '; DELETE FROM t'", 'reads'],
  ['SET NAMES utf8; SELECT 1', 'reads'],
  ['BEGIN; SELECT 1; COMMIT', 'reads'],
  ['BEGIN; UPDATE t SET c = 1; COMMIT', 'writes'],
  ['SET @a = 1; BEGIN', 'writes'],
  ['FLUSH TABLES; SET @a = 1', 'all'],
])('%j is of %s', (sql, words) => {
  expect(wordsOf(sql)).toBe(words);
});

it('EXECUTE and DEALLOCATE are of the class of what stands under their name', () => {
  const prepared = { p: bitsOf(['reads']), 'a`b': bitsOf(['ddl']) };
  expect(wordsOf('EXECUTE P USING @a', prepared)).toBe('reads');
  expect(wordsOf('EXECUTE `a``b`', prepared)).toBe('ddl');
  expect(wordsOf('EXECUTE p;', prepared)).toBe('reads');
  expect(wordsOf('DEALLOCATE PREPARE p', prepared)).toBe('reads');
  expect(wordsOf('EXECUTE q', prepared)).toBe('writes');
});

it('the names that are prepared and given up are found in a text, in its order', () => {
  expect(preparedNamesIn('SELECT 1; SELECT 2')).toEqual([]);
  expect(preparedNamesIn("UPDATE t SET c = 'prepare p from 1; x'")).toEqual([]);
  expect(
    preparedNamesIn(
      "/* one */ PREPARE `P q` FROM 'SELECT 1'; prepare b from @x; EXECUTE b; DROP PREPARE b; deallocate prepare c",
    ),
  ).toEqual([
    { name: 'p q', bits: bitsOf(['reads']) },
    { name: 'b', bits: null },
    { name: 'b', bits: undefined },
    { name: 'c', bits: undefined },
  ]);
});

it.each([
  ['brackets', '('],
  ['comments', '/**/'],
  ['marks', '/*!1'],
  ['semicolons', ';'],
  ['quotes', "'"],
  ['words', 'with a '],
  ['statements to be analyzed', 'ANALYZE '],
  ['statements with settings', 'SET STATEMENT a=1 FOR '],
  ['texts to be executed', "EXECUTE IMMEDIATE '"],
])('a text of nothing but %s takes no longer than its length', (_what, piece) => {
  // The limit of a test is not enough for the square of that.
  for (const text of [piece.repeat(1_000_000), `WITH a AS ${piece.repeat(1_000_000)}`]) {
    expect(() => classesOf(text)).not.toThrow();
  }
});

describe('the one class of a digest', () => {
  it.each([
    ['SELECT 1', 'reads'],
    ['insert into t values (?)', 'writes'],
    ['TRUNCATE t', 'ddl'],
    ['COMMIT', 'transactions'],
    ['/* a */ START TRANSACTION READ ONLY', 'transactions'],
    ['SET NAMES utf8mb4', 'settings'],
    ['USE shop', 'settings'],
    ['FLUSH TABLES', null],
    ['', null],
    ['BEGIN; SELECT 1; COMMIT', 'reads'],
    ['BEGIN; UPDATE t SET a = 1; SELECT 1', 'writes'],
    ['UPDATE t SET a = 1; DROP TABLE t', 'ddl'],
    ['SET @a = 1; COMMIT', 'transactions'],
  ])('of %s', (sql, word) => {
    expect(classOf(sql)).toBe(word);
  });
});
