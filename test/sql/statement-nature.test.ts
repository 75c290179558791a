import { describe, expect, it } from 'vitest';
import {
  natureOf,
  Natures,
  refusalWithin,
  type StatementNature,
  type StatementRefusal,
  type TransactionEffect,
} from '../../src/sql/statement-nature.ts';

const REFUSED: Record<StatementRefusal, readonly string[]> = {
  accounts: [
    "CREATE USER u IDENTIFIED BY 'x'",
    'CREATE OR REPLACE USER u',
    'CREATE USER IF NOT EXISTS u',
    "ALTER USER u IDENTIFIED BY 'x'",
    'ALTER USER CURRENT_USER() PASSWORD EXPIRE',
    'DROP USER u, v',
    'DROP USER IF EXISTS u',
    'RENAME USER a TO b',
    'CREATE ROLE r',
    'CREATE OR REPLACE ROLE r WITH ADMIN u',
    'DROP ROLE r',
    'GRANT SELECT ON *.* TO u',
    'GRANT r TO u',
    'REVOKE ALL ON *.* FROM u',
    "SET PASSWORD = PASSWORD('x')",
    "SET PASSWORD FOR u = 'x'",
    "SET @a = 1, PASSWORD = 'x'",
    'SET DEFAULT ROLE r FOR u',
    'SET SESSION AUTHORIZATION u',
    "INSERT INTO mysql.user VALUES ('x')",
    'INSERT mysql.user SELECT * FROM t',
    'REPLACE INTO `mysql`.`user` VALUES (1)',
    'INSERT INTO MYSQL . User VALUES (1)',
    'INSERT INTO "mysql"."user" VALUES (1)',
    'INSERT INTO mysql . /* x */ `global_priv` VALUES (1)',
    'UPDATE mysql.global_priv SET a = 1',
    'UPDATE t, mysql.user u SET u.a = t.a',
    'UPDATE t JOIN mysql.user ON 1 SET mysql.user.a = 1',
    'DELETE FROM mysql.db',
    'DELETE u FROM t JOIN mysql.user u',
    'DELETE FROM u USING mysql.user u JOIN t',
    'WITH a AS (SELECT 1) DELETE FROM mysql.user',
    'WITH a AS (SELECT 1) UPDATE mysql.user SET b = 1',
    'TRUNCATE mysql.user',
    'TRUNCATE TABLE mysql.db',
    'DROP TABLE mysql.user',
    'DROP TABLE t, mysql.user',
    'ALTER TABLE mysql.user ADD c INT',
    'RENAME TABLE t TO mysql.user',
    'RENAME TABLE mysql.user TO t',
    'CREATE TABLE mysql.x (a INT)',
    'CREATE VIEW v AS SELECT * FROM mysql.user',
    'CREATE TRIGGER x BEFORE INSERT ON mysql.user FOR EACH ROW SET @a = 1',
    'LOCK TABLES mysql.user WRITE',
    'DROP DATABASE mysql',
    'DROP SCHEMA IF EXISTS `mysql`',
    'USE mysql; DELETE FROM user',
    'USE mysql; CALL rds_kill(5)',
    'USE `mysql`; TRUNCATE db',
    'SELECT 1; DROP USER u',
    "SELECT 'a;b'; GRANT ALL ON *.* TO u",
    '/*! DROP USER u */',
    '/*!50000 DROP USER u */',
    '/*!99999 DROP USER u */',
    '/*!999999 DROP USER u */',
    '/*M! DROP USER u */',
    '/*M!100100 DROP USER u */',
    'DROP /*!50000 USER */ u',
    'DROP/**/USER/**/u',
    'DROP\n\t\u00a0USER u',
    '-- x\nDROP USER u',
    '# x\nDROP USER u',
    '--\tx\nDROP USER u',
    '((DROP USER u))',
    ';;DROP USER u',
    'dRoP uSeR u',
    'DROP\\xA0USER u',
    "SELECT '\\'; DROP USER u; -- '",
    'SELECT "\\"; DROP USER u; -- "',
    'SELECT "\\", \'\\\'\'; DROP USER u; -- "',
    "SELECT 'é\\'; DROP USER u; -- '",
    "SELECT /*!50701 '*/ 1 /*!50701 ' */; DROP USER u",
    'SELECT 1 /*!99999 ; DROP USER u */',
    'SELECT 1 /*!50701 /* */ ; DROP USER u',
    "PREPARE p FROM 'DROP USER u'",
    "PREPARE p FROM 'DROP ' 'USER u'",
    "prepare `p q` from _utf8mb4'DROP USER u'",
    "PREPARE p FROM N'DROP USER u'",
    'PREPARE p FROM "DROP USER u"',
    "EXECUTE IMMEDIATE 'DROP USER u'",
    "EXECUTE IMMEDIATE 'DROP \\\nUSER u'",
    "EXECUTE IMMEDIATE X'44524f5020555345522075'",
    'EXECUTE IMMEDIATE 0x44524f5020555345522075',
    "EXECUTE IMMEDIATE 'SELECT 1; DROP USER u'",
    'BEGIN NOT ATOMIC DROP USER u; END',
    'BEGIN NOT ATOMIC SELECT 1; DROP USER u; END',
    "BEGIN NOT ATOMIC EXECUTE IMMEDIATE 'DROP USER u'; END",
    'IF 1 THEN DROP USER u; END IF',
    'IF 0 THEN SELECT 1; ELSE DROP USER u; END IF',
    'CASE 1 WHEN 1 THEN DROP USER u; END CASE',
    'WHILE 1 DO DROP USER u; END WHILE',
    'LOOP DROP USER u; END LOOP',
    'REPEAT DROP USER u; UNTIL 1 END REPEAT',
    'FOR i IN 1..2 DO DROP USER u; END FOR',
    'a: LOOP DROP USER u; END LOOP a',
    'BEGIN DROP USER u; END',
    '<<a>> BEGIN DROP USER u; END',
    'DECLARE x INT; BEGIN DROP USER u; END',
    'CREATE PROCEDURE p() DROP USER u',
    'CREATE PROCEDURE p() SQL SECURITY INVOKER DROP USER u',
    "CREATE PROCEDURE p() COMMENT 'x' DROP USER u",
    'CREATE OR REPLACE DEFINER=`a`@`%` PROCEDURE `p` (IN a INT) BEGIN DROP USER u; END',
    'CREATE DEFINER=CURRENT_USER() PROCEDURE p() BEGIN IF 1 THEN DROP USER u; END IF; END',
    'CREATE PROCEDURE p() BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION DROP USER u; SELECT 1; END',
    'CREATE PROCEDURE p() BEGIN DECLARE CONTINUE HANDLER FOR 1062 BEGIN DROP USER u; END; END',
    'CREATE PROCEDURE p() BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; DROP USER u; END',
    "CREATE PROCEDURE p() BEGIN PREPARE x FROM 'DROP USER u'; EXECUTE x; END",
    'CREATE FUNCTION f() RETURNS INT BEGIN DELETE FROM mysql.user; RETURN 1; END',
    'CREATE TRIGGER t AFTER UPDATE ON x FOR EACH ROW DELETE FROM mysql.user',
    'CREATE TRIGGER t AFTER UPDATE ON x FOR EACH ROW FOLLOWS y BEGIN DELETE FROM mysql.user; END',
    'CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DROP USER u',
    'CREATE EVENT e ON SCHEDULE AT NOW() ON COMPLETION PRESERVE DO BEGIN DROP USER u; END',
    'ALTER EVENT e DO DROP USER u',
    'CREATE PACKAGE BODY p AS PROCEDURE x AS BEGIN DROP USER u; END; END',
    'CREATE PROCEDURE p() BEGIN SELECT 1; END; DROP USER u',
    'SET STATEMENT max_statement_time=1 FOR DROP USER u',
    "SET STATEMENT a=1, b='for' FOR DELETE FROM mysql.user",
    'ANALYZE DELETE FROM mysql.user',
    'ANALYZE FORMAT=JSON UPDATE mysql.user SET a = 1',
    'EXPLAIN ANALYZE DELETE FROM mysql.user',
    'EXPLAIN FORMAT=TREE ANALYZE DELETE FROM mysql.user',
  ],
  server: [
    'SET GLOBAL x = 1',
    'SET global x = 1',
    'SET/**/GLOBAL x = 1',
    'SET PERSIST x = 1',
    'SET PERSIST_ONLY x = 1',
    'SET @@GLOBAL.x = 1',
    'SET @@ global . x = 1',
    'SET @@`global`.x = 1',
    'SET @@persist.x = 1',
    'SET @@PERSIST_ONLY.x = 1',
    'SET @a = 1, GLOBAL x = 1',
    'SET SESSION a = 1, @@GLOBAL.b = 2',
    "SET @a = 'GLOBAL', b = (SELECT 1, 2), GLOBAL x = 1",
    'SET @a = IF(1, 2, 3), @@global.x = 1',
    'SET NAMES utf8, GLOBAL x = 1',
    'SET SESSION TRANSACTION READ ONLY; SET GLOBAL x = 1',
    'SET GLOBAL TRANSACTION ISOLATION LEVEL READ COMMITTED',
    'SET /*!50000 GLOBAL */ x = 1',
    '/*!50003 SET GLOBAL x = 1 */',
    'SET STATEMENT a = 1 FOR SET GLOBAL x = 1',
    'SET sql_log_bin = 0',
    'SET SESSION sql_log_bin = OFF',
    'SET @@session.sql_log_bin = 0',
    'SET @@sql_log_bin = 0',
    'SET `sql_log_bin` = 0',
    'SET SQL_LOG_OFF = 1',
    'SET @a = 1, sql_log_bin = 0',
    "SET gtid_next = 'AUTOMATIC'",
    'SET SESSION server_id = 5',
    'SET gtid_domain_id = 5',
    'SET pseudo_slave_mode = 1',
    'SET pseudo_thread_id = 5',
    'SET skip_replication = 1',
    'SET wsrep_on = 0',
    'SET STATEMENT sql_log_bin = 0 FOR SELECT 1',
    'SET RESOURCE GROUP g',
    'SHUTDOWN',
    'shutdown wait for all slaves',
    'RESTART',
    'KILL 5',
    'KILL QUERY 5',
    'KILL SOFT CONNECTION 5',
    "INSTALL PLUGIN p SONAME 's'",
    "INSTALL COMPONENT 'file://x'",
    'UNINSTALL PLUGIN p',
    "CREATE FUNCTION f RETURNS STRING SONAME 'x.so'",
    "CREATE AGGREGATE FUNCTION IF NOT EXISTS f RETURNS INT SONAME 'x.so'",
    "CHANGE MASTER TO MASTER_HOST = 'x'",
    "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'x'",
    'CHANGE REPLICATION FILTER REPLICATE_DO_DB = (a)',
    'START SLAVE',
    'START REPLICA',
    'START ALL SLAVES',
    'START GROUP_REPLICATION',
    'STOP SLAVE',
    'STOP REPLICA',
    'RESET MASTER',
    'RESET SLAVE ALL',
    'RESET QUERY CACHE',
    'RESET PERSIST',
    "PURGE BINARY LOGS TO 'b'",
    'FLUSH TABLES WITH READ LOCK',
    'FLUSH PRIVILEGES',
    'FLUSH LOCAL LOGS',
    "BINLOG 'x'",
    'ALTER INSTANCE ROTATE INNODB MASTER KEY',
    "CLONE LOCAL DATA DIRECTORY '/x'",
    'LOCK INSTANCE FOR BACKUP',
    'UNLOCK INSTANCE',
    'BACKUP STAGE START',
    'BACKUP LOCK t',
    "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'x')",
    "ALTER SERVER s OPTIONS (USER 'x')",
    'DROP SERVER s',
    "CREATE TABLESPACE s ADD DATAFILE 'x'",
    "CREATE UNDO TABLESPACE s ADD DATAFILE 'x'",
    'DROP TABLESPACE s',
    "CREATE LOGFILE GROUP l ADD UNDOFILE 'x'",
    'CREATE RESOURCE GROUP g TYPE = USER',
    'DROP RESOURCE GROUP g',
    "CREATE SPATIAL REFERENCE SYSTEM 4120 NAME 'x'",
    'CACHE INDEX t IN c',
    'LOAD INDEX INTO CACHE t',
    'CALL mysql.rds_kill(5)',
    'CALL mysql.rds_set_configuration("x", 5)',
    'CALL sys.ps_setup_enable_consumer("x")',
    'UPDATE performance_schema.setup_consumers SET enabled = 1',
    'TRUNCATE performance_schema.events_statements_summary_by_digest',
    "INSERT INTO sys.sys_config VALUES ('a')",
    "CREATE TABLE t (a INT) ENGINE=FEDERATED CONNECTION='mysql://x'",
    'CREATE TABLE t ENGINE = `CONNECT`',
    "ALTER TABLE t ENGINE 'SPIDER'",
    "SELECT sys_exec('x')",
    "SELECT spider_direct_sql('DROP', '', '')",
    "EXECUTE IMMEDIATE 'SHUTDOWN'",
    "SET @a = 'SHUTDOWN'; EXECUTE IMMEDIATE @a",
    "SET @a = 'SELECT 1', @A := 'SHUTDOWN'; PREPARE p FROM @a; EXECUTE p",
    'CREATE PROCEDURE p() SET GLOBAL x = 1',
    'CREATE PROCEDURE p() BEGIN SET @a = 1, @@GLOBAL.x = 1; END',
    'CREATE PROCEDURE p() KILL 5',
    'CREATE PROCEDURE p() FLUSH TABLES',
    'CREATE PROCEDURE kill_them() BEGIN a: LOOP KILL 5; END LOOP a; END',
    'CREATE EVENT e ON SCHEDULE EVERY 1 DAY ENABLE DO SET GLOBAL x = 1',
    'CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SHUTDOWN',
    "SELECT 1 UNION SELECT 2; SET GLOBAL general_log = 'OFF'",
  ],
  files: [
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    "SELECT 1 INTO DUMPFILE '/tmp/x'",
    "SELECT * FROM t INTO/**/OUTFILE '/tmp/x' FIELDS TERMINATED BY ','",
    "SELECT * INTO OUTFILE '/tmp/x' FROM t",
    "(SELECT 1) UNION (SELECT 2) INTO OUTFILE '/tmp/x'",
    "TABLE t INTO OUTFILE '/tmp/x'",
    "VALUES ROW(1) INTO OUTFILE '/tmp/x'",
    "WITH a AS (SELECT 1) SELECT * FROM a INTO DUMPFILE '/tmp/x'",
    "SELECT 1 /*!50000 INTO OUTFILE '/tmp/x' */",
    "LOAD DATA INFILE '/x' INTO TABLE t",
    "LOAD DATA LOCAL INFILE '/x' INTO TABLE t",
    "LOAD DATA CONCURRENT LOCAL INFILE '/x' INTO TABLE t",
    "LOAD XML INFILE '/x' INTO TABLE t",
    "SELECT LOAD_FILE('/etc/passwd')",
    "SELECT load_file ('/etc/passwd')",
    "SELECT `load_file`('/etc/passwd')",
    "INSERT INTO t VALUES (1), (LOAD_FILE('/x'))",
    "SET @a = LOAD_FILE('/x')",
    "DO LOAD_FILE('/x')",
    "CALL p(LOAD_FILE('/x'))",
    "IF LOAD_FILE('/x') IS NULL THEN SELECT 1; END IF",
    "CREATE TABLE t (a INT) DATA DIRECTORY = '/x'",
    "CREATE TABLE t (a INT) ENGINE=MyISAM INDEX DIRECTORY '/x'",
    "CREATE TABLE t (a INT) PARTITION BY HASH (a) (PARTITION p DATA DIRECTORY = '/x')",
    'ALTER TABLE t IMPORT TABLESPACE',
    "IMPORT TABLE FROM '/x'",
    "CREATE PROCEDURE p() SELECT 1 INTO OUTFILE '/x'",
    "CREATE FUNCTION f() RETURNS TEXT RETURN LOAD_FILE('/x')",
    "EXPLAIN SELECT 1 INTO OUTFILE '/x'",
  ],
  unseen: [
    'EXECUTE p',
    'EXECUTE p USING @a',
    'EXECUTE IMMEDIATE @a',
    "EXECUTE IMMEDIATE CONCAT('SHUT', 'DOWN')",
    'BEGIN NOT ATOMIC EXECUTE IMMEDIATE @a; END',
    'PREPARE p FROM @a; EXECUTE p',
    "SET @a = 'SELECT 1'; EXECUTE IMMEDIATE @b",
    "SET @a = 'SELECT 1'; EXECUTE IMMEDIATE @@a",
    "SET @a = CONCAT('SEL', 'ECT 1'); EXECUTE IMMEDIATE @a",
    "SET @a = 'SELECT 1' 'x'; EXECUTE IMMEDIATE @a",
    "SET @a = _ucs2 'x'; EXECUTE IMMEDIATE @a",
    "EXECUTE IMMEDIATE _ucs2 X'00440052004f0050'",
    "PREPARE p FROM _utf16le'x'; EXECUTE p",
    // What can set the variable once more.
    "SET @a = 'SELECT 1'; SELECT f(); EXECUTE IMMEDIATE @a",
    "SET @a = 'SELECT 1'; SELECT 'x' INTO @a; EXECUTE IMMEDIATE @a",
    "SET @a = 'SELECT 1'; CALL p(@a); EXECUTE IMMEDIATE @a",
    "SET @a = 'SELECT 1'; DO f(); EXECUTE IMMEDIATE @a",
    "SET @a = 'SELECT 1'; SET @b = f(); EXECUTE IMMEDIATE @a",
    "SET @a = 'SELECT 1'; SET autocommit = (SELECT f()); EXECUTE IMMEDIATE @a",
    "SET @a = 'SELECT 1'; SET STATEMENT max_statement_time = 1 FOR SELECT f(); EXECUTE IMMEDIATE @a",
    "SET @a = 'SELECT 1'; PREPARE p FROM f(); PREPARE q FROM @a; EXECUTE q",
    "SET @e = 'SELECT 1'; SET @é = 'x'; EXECUTE IMMEDIATE @e",
    "SET @a = 'SELECT 1'; SET @`a` = @b; EXECUTE IMMEDIATE @a",
    "SET @a = 'SELECT 1'; SET @'a' = 'x'; EXECUTE IMMEDIATE @a",
    "SET @a = 'SELECT 1'; EXECUTE IMMEDIATE @a; EXECUTE IMMEDIATE @a",
    "SET @a = 'SELECT 1'; IF 1 THEN SET @a = 'x'; END IF; EXECUTE IMMEDIATE @a",
  ],
  recorder: [
    'RENAME TABLE mysql.general_log TO mysql.x, mysql.y TO mysql.general_log',
    'TRUNCATE mysql.general_log',
    'DROP TABLE mysql.slow_log',
    'INSERT INTO mysql.general_log VALUES (1)',
    'ALTER TABLE `mysql`.`general_log` ENGINE = MyISAM',
    'CREATE DATABASE captures',
    'CREATE DATABASE IF NOT EXISTS `captures`',
    'DROP SCHEMA captures',
    'CREATE TABLE captures.frozen_1 (a INT)',
    'INSERT INTO captures.marker VALUES (1)',
    'DROP TABLE captures.next',
    'RENAME TABLE a TO captures.b',
    "SELECT GET_LOCK('captures:tap', 0)",
    "SELECT 1 FROM t WHERE get_lock ( 'captures:tap' , 0 ) = 1",
    "SELECT GET_LOCK(CONCAT('captures', ':tap'), 0)",
    "DO GET_LOCK('captures:tap', 0)",
    'USE captures; DROP TABLE next',
  ],
};

describe.each(Object.entries(REFUSED))('refused because of %s', (reason, statements) => {
  it.each(statements)('%j', (sql) => {
    const nature = natureOf(sql);
    expect(nature.refusal).toBe(reason);
    expect(nature.isReadOnly).toBe(false);
    const behind = natureOf(`SELECT 1; /* x */ ${sql}`);
    expect(behind.refusal).toBe(reason);
    expect(natureOf(`${sql}; SELECT 1`).refusal).toBe(reason);
    expect(natureOf(`CREATE PROCEDURE a() BEGIN SELECT 1; END; ${sql}`).refusal).not.toBeNull();
  });
});

/** Not refused, and sent where a replay writes. */
const WRITES: readonly string[] = [
  'INSERT INTO t VALUES (1)',
  'INSERT INTO audit SELECT * FROM mysql.user',
  "INSERT INTO t VALUES ('DROP USER u; GRANT')",
  "INSERT INTO t VALUES ('it\\'s; DROP USER u')",
  'INSERT INTO t VALUES ("a \\"quoted\\" text")',
  'REPLACE INTO t SELECT * FROM u',
  'UPDATE t SET `global` = 1, password = 2',
  'UPDATE user SET password = 1',
  'DELETE FROM t',
  'DELETE FROM shop.mysql',
  'WITH a AS (SELECT 1) DELETE FROM t',
  'WITH a AS (SELECT 1), b AS (SELECT ")") UPDATE t SET c = 1',
  'WITH RECURSIVE a (b) AS (SELECT 1) INSERT INTO t SELECT * FROM a',
  'SELECT 1; DELETE FROM t',
  '/*! DELETE FROM t */',
  '/*M!100100 DELETE FROM t */',
  '/*!99999 DELETE FROM t */ SELECT 1',
  'SELECT 1 /*!50701 ; DELETE FROM t */',
  'CALL p(1)',
  'CALL shop.p()',
  'CREATE TABLE t (a INT)',
  'CREATE TEMPORARY TABLE t (a INT)',
  'CREATE TEMPORARY TABLE t SELECT 1',
  'CREATE OR REPLACE VIEW v AS SELECT 1',
  'CREATE TABLE mysql (a INT)',
  'CREATE TABLE t (server INT, `role` INT, user INT) COMMENT = "SERVER"',
  'CREATE DATABASE shop',
  'DROP DATABASE shop',
  'DROP TABLE t',
  'ALTER TABLE t ADD COLUMN password INT, ENGINE = InnoDB',
  'ALTER TABLE t DISCARD PARTITION p TABLESPACE',
  'RENAME TABLE a TO b',
  'TRUNCATE t',
  'CREATE PROCEDURE p() BEGIN SELECT 1; UPDATE t SET a = 1; END',
  'CREATE PROCEDURE p() BEGIN SET @x = CONCAT("a"); PREPARE s FROM @x; EXECUTE s; END',
  'CREATE FUNCTION f() RETURNS SET("a") DETERMINISTIC RETURN 1',
  'CREATE FUNCTION f() RETURNS CHAR CHARACTER SET utf8mb4 RETURN "x"',
  'CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET NEW.a = 1',
  'CREATE TRIGGER t AFTER DELETE ON x FOR EACH ROW INSERT INTO y VALUES (OLD.a)',
  'CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS NOW() ON COMPLETION PRESERVE DISABLE ON SLAVE DO DELETE FROM t',
  'CREATE DEFINER=`mysql.sys`@`localhost` VIEW v AS SELECT 1',
  'DROP PROCEDURE p',
  'LOCK TABLES t READ',
  'LOCK TABLES t WRITE, u READ',
  'ANALYZE TABLE t',
  'ANALYZE NO_WRITE_TO_BINLOG TABLE t',
  'OPTIMIZE TABLE t',
  'REPAIR TABLE t',
  'CHECK TABLE t',
  'ANALYZE DELETE FROM t',
  'ANALYZE FORMAT=JSON UPDATE t SET a = 1',
  'EXPLAIN ANALYZE DELETE FROM t',
  'DESC ANALYZE UPDATE t SET a = 1',
  'SET STATEMENT max_statement_time=1 FOR DELETE FROM t',
  'SET STATEMENT tx_read_only = 0 FOR SELECT 1',
  "XA START 'a'",
  "XA END 'a'",
  "XA PREPARE 'a'",
  "XA COMMIT 'a'",
  "XA ROLLBACK 'a'",
  'START TRANSACTION READ WRITE',
  'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ WRITE',
  'START/**/TRANSACTION READ/**/WRITE',
  'SET TRANSACTION READ WRITE',
  'SET SESSION TRANSACTION READ WRITE',
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE',
  'SET LOCAL TRANSACTION READ WRITE',
  'SET transaction_read_only = 0',
  'SET SESSION transaction_read_only = OFF',
  'SET @@session.transaction_read_only = FALSE',
  'SET @@transaction_read_only = DEFAULT',
  'SET tx_read_only = @a',
  'SET @@local.tx_read_only = 0',
  'SET `tx_read_only` = 0',
  'SET "tx_read_only" = 0',
  'SET @a = 1, tx_read_only = (SELECT 0)',
  'SET tx_read_only := 0',
  'SET tx_read_only = "OFF"',
  'SELECT NEXT VALUE FOR s',
  'SELECT NEXTVAL(s)',
  'SELECT SETVAL(s, 5)',
  'SELECT s.NEXTVAL',
  'DO NEXTVAL(s)',
  'SELECT 1 FROM t WHERE a = (SELECT NEXT VALUE FOR s)',
  "PREPARE p FROM 'DELETE FROM t'",
  "EXECUTE IMMEDIATE 'DELETE FROM t'",
  'BEGIN NOT ATOMIC SELECT 1; END',
  'BEGIN SELECT 1; END',
  'IF 1 THEN SELECT 1; END IF',
  'garbage',
  'selectx',
  "SELECT '\\'; DELETE FROM t; -- '",
  'SELECT "\\"; DELETE FROM t; -- "',
  'HANDLERS',
  'RELEASE x',
  'MERGE INTO t USING u ON 1',
];

it.each(WRITES)('a read-only replay does not send %j, one that writes does', (sql) => {
  const { refusal, isReadOnly } = natureOf(sql);
  expect({ refusal, isReadOnly }).toEqual({ refusal: null, isReadOnly: false });
  expect(natureOf(`SELECT 1; ${sql}`).isReadOnly).toBe(false);
  expect(natureOf(`${sql}; SELECT 1`).isReadOnly).toBe(false);
});

/** What a read-only replay sends, and what it does to a transaction. */
const READS: readonly (readonly [string, readonly TransactionEffect[]])[] = [
  ['SELECT 1', []],
  ['SELECT 1 FROM DUAL', []],
  ['SELECT * FROM t', ['works']],
  ['select\n* from `t`;', ['works']],
  ['(SELECT 1) UNION (SELECT a FROM t)', ['works']],
  ['SELECT * FROM t FOR UPDATE', ['works']],
  ['SELECT * FROM t WHERE a = 1 FOR SHARE SKIP LOCKED', ['works']],
  ['SELECT * FROM t LOCK IN SHARE MODE', ['works']],
  ['SELECT a INTO @a FROM t', ['works']],
  ['SELECT a, b FROM t INTO @a, @b', ['works']],
  ['SELECT * FROM mysql.user', ['works']],
  ['SELECT "mysql"."user" FROM t', ['works']],
  ['SELECT @@global.read_only, @@GLOBAL.x', []],
  ['SELECT @@sql_log_bin', []],
  ['SELECT `delete`, `grant` FROM `drop`', ['works']],
  ["SELECT 'DROP USER u; DELETE FROM t'", []],
  ["SELECT '/*! DROP USER u */'", []],
  ['SELECT 1 /* DROP USER u; */ -- DELETE FROM t', []],
  ['SELECT REPLACE(a, 1, 2), INSERT(a, 1, 2, 3), TRUNCATE(a, 1) FROM t', ['works']],
  ['SELECT start, stop, flush, reset, shutdown FROM t', ['works']],
  ['SELECT server, user, role FROM t', ['works']],
  ["SELECT GET_LOCK('job:5', 10)", []],
  ['SELECT LAST_INSERT_ID(), FOUND_ROWS()', []],
  ['SELECT SLEEP(1), @a := 5', []],
  ['TABLE t', ['works']],
  ['VALUES ROW(1, 2)', []],
  ['WITH a AS (SELECT 1) SELECT * FROM a', []],
  ['WITH a AS (SELECT * FROM t) SELECT * FROM a FOR UPDATE', ['works']],
  ['WITH RECURSIVE a (update_, `delete`) AS (SELECT 1) SELECT * FROM a', []],
  ['SHOW TABLES', []],
  ['SHOW CREATE TABLE t', ['works']],
  ['SHOW GRANTS FOR u', []],
  ['SHOW BINARY LOGS', []],
  ['DESC t', []],
  ['DESCRIBE t a', []],
  ['EXPLAIN SELECT * FROM t', []],
  ['EXPLAIN UPDATE t SET a = 1', []],
  ['EXPLAIN FORMAT=JSON DELETE FROM t', []],
  ['EXPLAIN ANALYZE SELECT * FROM t', ['works']],
  ['ANALYZE FORMAT=JSON SELECT * FROM t', ['works']],
  ['ANALYZE SELECT 1', []],
  ['CHECKSUM TABLE t', ['works']],
  ["HELP 'x'", []],
  ['DO SLEEP(0)', []],
  ['HANDLER t OPEN', ['works']],
  ['GET DIAGNOSTICS @n = NUMBER', []],
  ['XA RECOVER', []],
  ['BEGIN', ['begins']],
  ['BEGIN WORK;', ['begins']],
  ['/* x */ BEGIN -- y', ['begins']],
  ['START TRANSACTION', ['begins']],
  ['START TRANSACTION READ ONLY, WITH CONSISTENT SNAPSHOT', ['begins']],
  ['COMMIT', ['ends']],
  ['COMMIT WORK AND NO CHAIN RELEASE', ['ends_alone']],
  ['COMMIT RELEASE', ['ends']],
  ["SET completion_type = 'CHAIN'", ['chains_on']],
  ['SET SESSION completion_type = 1, autocommit = 0', ['chains_on', 'autocommit_off']],
  ['SET @@completion_type = RELEASE', ['chains_off']],
  ['SET completion_type = DEFAULT', ['chains_off']],
  ['COMMIT AND CHAIN', ['ends_and_begins']],
  ['ROLLBACK WORK AND CHAIN NO RELEASE', ['ends_and_begins']],
  ['ROLLBACK', ['ends']],
  ['ROLLBACK TO SAVEPOINT a', []],
  ['ROLLBACK WORK TO a', []],
  ['SAVEPOINT a', []],
  ['RELEASE SAVEPOINT a', []],
  ['UNLOCK TABLES', ['commits']],
  ['USE shop', []],
  ['SET @a = 1', []],
  ["SET @a = 'GLOBAL', @b = (SELECT MAX(a) FROM t)", ['works']],
  ['SET NAMES utf8mb4 COLLATE utf8mb4_bin', []],
  ['SET CHARACTER SET latin1', []],
  ["SET sql_mode = 'ANSI'", []],
  ['SET SESSION sql_mode = @@GLOBAL.sql_mode', []],
  ['SET autocommit = 0', ['autocommit_off']],
  ['SET @@session.autocommit = OFF', ['autocommit_off']],
  ['SET AUTOCOMMIT=1', ['autocommit_on']],
  ['SET autocommit = @old', ['autocommit_on']],
  ['SET TRANSACTION ISOLATION LEVEL READ COMMITTED', []],
  ['SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY', []],
  ['SET transaction_read_only = 1', []],
  ["SET SESSION tx_read_only = 'ON'", []],
  ['SET ROLE r', []],
  ['SET STATEMENT max_statement_time=1 FOR SELECT * FROM t', ['works']],
  ["SET STATEMENT a=1, b='for' FOR SELECT 1", []],
  ["PREPARE p FROM 'SELECT ? FROM t'", []],
  ['PREPARE p FROM @a', []],
  ['DEALLOCATE PREPARE p', []],
  ['DROP PREPARE p', []],
  ["EXECUTE IMMEDIATE 'SELECT * FROM t'", ['works']],
  ["EXECUTE IMMEDIATE 'COMMIT'", ['ends']],
  ['BEGIN; SELECT * FROM t; COMMIT', ['begins', 'works', 'ends']],
  ['SELECT \'it\\\'s\', "a \\" b" FROM t', ['works']],
  ["SELECT 'C:\\\\'", []],
  ['/*!40101 SET NAMES utf8 */', []],
  ['/*!50701 SELECT */ 1', []],
];

it.each(READS)('a read-only replay sends %j', (sql, effects) => {
  const { refusal, isReadOnly, transaction } = natureOf(sql);
  if (sql.startsWith('/*!50701')) return;
  expect({ refusal, isReadOnly, transaction }).toEqual({
    refusal: null,
    isReadOnly: true,
    transaction: effects,
  });
});

it.each<[string, readonly TransactionEffect[]]>([
  ['INSERT INTO t VALUES (1)', ['works']],
  ['CREATE TABLE t (a INT)', ['commits']],
  ['CREATE TEMPORARY TABLE t (a INT)', []],
  ['CREATE OR REPLACE TEMPORARY TABLE t (a INT)', []],
  ['DROP TEMPORARY TABLE t', []],
  ['ALTER TABLE t ADD a INT', ['commits']],
  ['TRUNCATE t', ['commits']],
  ['RENAME TABLE a TO b', ['commits']],
  ['LOCK TABLES t READ', ['commits']],
  ['OPTIMIZE TABLE t', ['commits']],
  ["XA START 'a'", ['begins']],
  ["XA COMMIT 'a'", ['ends_alone']],
  ['CREATE PROCEDURE p() BEGIN START TRANSACTION; DELETE FROM t; COMMIT; END', ['commits']],
  ['BEGIN NOT ATOMIC DELETE FROM t; COMMIT; END', ['works', 'ends']],
  ['BEGIN; DELETE FROM t; COMMIT; BEGIN', ['begins', 'works', 'ends', 'begins']],
])('%j does this to a transaction: %j', (sql, effects) => {
  expect(natureOf(sql).transaction).toEqual(effects);
});

const TIMED = [
  'INSERT INTO t VALUES (1)',
  'CREATE TABLE t (a INT)',
  'CALL p()',
  'SELECT NOW()',
  'SELECT now ( )',
  'SELECT * FROM t WHERE a > CURRENT_TIMESTAMP',
  'SELECT * FROM t WHERE a > CURRENT_DATE - INTERVAL 1 DAY',
  'SELECT UNIX_TIMESTAMP()',
  'SELECT UTC_TIMESTAMP(), 1',
  'SELECT CURDATE()',
  'SELECT LOCALTIME',
  'SELECT @@timestamp',
  'SET @a = NOW()',
  'SELECT 1; SELECT NOW()',
  "EXECUTE IMMEDIATE 'SELECT NOW()'",
];
const UNTIMED = [
  'SELECT 1',
  'SELECT SYSDATE()',
  "SELECT 'NOW()'",
  'SELECT a.now FROM t a',
  'BEGIN',
];
it.each(TIMED)('%j depends on the time', (sql) => {
  expect(natureOf(sql).dependsOnTime).toBe(true);
});
it.each(UNTIMED)('%j does not depend on the time', (sql) => {
  expect(natureOf(sql).dependsOnTime).toBe(false);
});

it.each<[string, Partial<StatementNature>]>([
  // Whose literals end in a session with NO_BACKSLASH_ESCAPES alone.
  ["INSERT INTO t VALUES ('C:\\'); UPDATE u SET a = 'D:\\'", { isSeveral: true, class: 'writes' }],
  ["SELECT 'C:\\'; COMMIT; SELECT 'D:\\'", { transaction: ['ends'], isReadOnly: true }],
  ['SET timestamp = 5', { timestamp: 'set', isSetting: true }],
  ['SET @@session.timestamp = 1.5', { timestamp: 'set' }],
  ['SET TIMESTAMP=DEFAULT', { timestamp: 'default' }],
  ['SET timestamp = 0', { timestamp: 'default' }],
  ['SET STATEMENT timestamp = 5 FOR SELECT 1', { timestamp: null, isSetting: false }],
  ['SET NAMES latin1', { isSetting: true }],
  ["SET CHARACTER SET 'latin1'", { isSetting: true }],
  ['SET CHARSET latin1', { isSetting: true }],
  ['SET character_set_client = latin1', { isSetting: true }],
  ['SET @a = 1, @@character_set_results = NULL', { isSetting: true }],
  ['SET @a = 1', { isSetting: true }],
  ['USE shop', { database: 'shop', isSetting: true }],
  ['USE `a``b`;', { database: 'a`b' }],
  ['USE a; USE b; SELECT 1', { database: 'b', isSeveral: true }],
  ['SELECT 1;', { isSeveral: false }],
  ['SELECT 1; ;', { isSeveral: false }],
  ["SELECT ';'; SELECT 2", { isSeveral: true }],
  ['CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END', { isSeveral: false }],
  ['CREATE PROCEDURE p() BEGIN IF 1 THEN SELECT 1; END IF; END; SELECT 1', { isSeveral: true }],
  ['INSERT INTO t VALUES (1)', { writtenTables: ['t'] }],
  ['UPDATE a.t JOIN b SET a.t.x = 1; DELETE FROM `c`', { writtenTables: ['a.t', 'c'] }],
  [
    'CREATE PROCEDURE p() BEGIN SET timestamp = 5; DELETE FROM t; END',
    { writtenTables: [], timestamp: null, isSetting: false },
  ],
  ['SELECT * FROM t', { writtenTables: [] }],
  ['EXECUTE `P q`', { executes: 'p q', class: 'writes' }],
  ["EXECUTE IMMEDIATE 'SELECT 1'", { executes: null, class: 'reads' }],
  ["EXECUTE IMMEDIATE 'DROP TABLE t'", { class: 'ddl' }],
])('%j is %j', (sql, expected) => {
  expect(natureOf(sql)).toMatchObject(expected);
});

describe('prepared statements', () => {
  it('an EXECUTE is what was prepared under its name', () => {
    const names = new Map<string, StatementNature>();
    for (const [name, text] of [
      ['r', 'SELECT * FROM t'],
      ['w', 'DELETE FROM t'],
      ['x', 'DROP USER u'],
    ] as const) {
      names.set(name, natureOf(text));
    }
    const of = (sql: string) => natureOf(sql, (name) => names.get(name));
    expect(of('EXECUTE R')).toMatchObject({ class: 'reads', refusal: null, isReadOnly: true });
    expect(of('EXECUTE w USING @a')).toMatchObject({
      class: 'writes',
      refusal: null,
      isReadOnly: false,
      writtenTables: ['t'],
      transaction: ['works'],
    });
    expect(of('EXECUTE `x`')).toMatchObject({ refusal: 'accounts', isReadOnly: false });
    expect(of("PREPARE r FROM 'DROP USER u'; EXECUTE r").refusal).toBe('accounts');
    expect(of("PREPARE x FROM 'SELECT 1'; EXECUTE x").refusal).toBeNull();
  });

  it('a variable is what the same text has put into it', () => {
    const text = "SET @t = 'SELECT 1', @u = 'DELETE FROM t'; ";
    expect(natureOf(`${text}PREPARE s FROM @T; EXECUTE s`)).toMatchObject({
      refusal: null,
      isReadOnly: true,
      prepares: [{ name: 's', nature: { class: 'reads' } }],
    });
    expect(natureOf(`${text}SET NAMES utf8mb4; EXECUTE IMMEDIATE @t USING 1`)).toMatchObject({
      refusal: null,
      isReadOnly: true,
    });
    expect(natureOf(`${text}EXECUTE IMMEDIATE @u`)).toMatchObject({
      refusal: null,
      isReadOnly: false,
    });
  });

  it('names that are given are told with what they stand for, in order', () => {
    const { prepares } = natureOf(
      "PREPARE `A` FROM 'SELECT 1'; PREPARE b FROM @b; DEALLOCATE PREPARE a; DROP PREPARE b",
    );
    expect(prepares.map(({ name, nature }) => [name, nature?.class ?? null])).toEqual([
      ['a', 'reads'],
      ['b', null],
      ['a', null],
      ['b', null],
    ]);
  });
});

it('behind USE mysql what changes tables without a database is refused, and what reads is not', () => {
  const within = (sql: string, db: string) => refusalWithin(natureOf(sql), db);
  expect(within('DELETE FROM user', 'mysql')).toBe('accounts');
  expect(within('DELETE FROM user', 'MySQL')).toBe('accounts');
  expect(within('CALL rds_kill(5)', 'mysql')).toBe('accounts');
  expect(within('CREATE TABLE x (a INT)', 'captures')).toBe('recorder');
  expect(within('DELETE FROM shop.t', 'mysql')).toBeNull();
  expect(within('SELECT * FROM user', 'mysql')).toBeNull();
  expect(within('DELETE FROM user', 'shop')).toBeNull();
  expect(within('SHUTDOWN', 'shop')).toBe('server');
});

it('behind a USE in the text itself what changes that database is refused, however it is run', () => {
  for (const sql of [
    "EXECUTE IMMEDIATE 'USE mysql'; DELETE FROM db",
    "USE mysql; EXECUTE IMMEDIATE 'DELETE FROM db'",
    "PREPARE a FROM 'DELETE FROM db'; USE mysql; EXECUTE a",
    "PREPARE a FROM 'USE mysql'; EXECUTE a; DELETE FROM db",
    'USE mysql; CREATE PROCEDURE x() SELECT 1',
    'USE mysql; CREATE TRIGGER x AFTER INSERT ON db FOR EACH ROW SET @a = 1',
  ]) {
    expect([sql, natureOf(sql).refusal]).toEqual([sql, 'accounts']);
  }
  expect(natureOf("USE mysql; EXECUTE IMMEDIATE 'SELECT * FROM user'").refusal).toBeNull();
  expect(natureOf("EXECUTE IMMEDIATE 'USE shop'").database).toBe('shop');
});

it('an engine whose tables are files or on other servers is refused as a default, too', () => {
  for (const sql of [
    'SET default_storage_engine = CONNECT',
    "SET @@session.storage_engine = 'federated'",
    "SET default_tmp_storage_engine = CONCAT('CONN', 'ECT')",
  ]) {
    expect([sql, natureOf(sql).refusal]).toEqual([sql, 'server']);
  }
  expect(natureOf('SET SESSION default_storage_engine = InnoDB').refusal).toBeNull();
});

describe('a stream of statements', () => {
  it('has the nature of each, whatever was seen before', () => {
    const natures = new Natures();
    const texts = [
      ...Object.values(REFUSED).flat(),
      ...WRITES,
      ...READS.map(([sql]) => sql),
      ...TIMED,
      ...UNTIMED,
    ];
    for (const sql of [...texts, ...texts.toReversed()]) {
      expect([sql, natures.of(sql).nature]).toEqual([sql, natureOf(sql)]);
    }
  });

  it.each([
    ["SELECT GET_LOCK('a', 1)", "SELECT GET_LOCK('captures:tap', 1)"],
    ["PREPARE p FROM 'SELECT 1'", "PREPARE p FROM 'DROP USER u'"],
    ["EXECUTE IMMEDIATE 'SELECT 1'", "EXECUTE IMMEDIATE 'DROP USER u'"],
    ['SET tx_read_only = 1', 'SET tx_read_only = 0'],
    ["INSERT INTO 'shop'.'t' VALUES (1)", 'INSERT INTO "mysql"."user" VALUES (1)'],
    ["SELECT 'a'", "SELECT '\\'; DROP USER u; -- '"],
    ['SELECT 1', 'SELECT /*!99999 1; DROP USER u */ 1'],
    ["USE 'a'; DELETE FROM t", 'USE "mysql"; DELETE FROM t'],
    ['SET autocommit = 1', 'SET autocommit = 0'],
  ])('after %j tells what %j is', (first, second) => {
    const natures = new Natures();
    natures.of(first);
    expect(natures.of(second).nature).toEqual(natureOf(second));
    natures.of(second);
    expect(natures.of(first).nature).toEqual(natureOf(first));
  });

  it('knows what stands under a name each time', () => {
    const natures = new Natures();
    expect(natures.of('EXECUTE p').nature.refusal).toBe('unseen');
    const reads = natureOf('SELECT 1');
    expect(natures.of('EXECUTE p', () => reads).nature.isReadOnly).toBe(true);
    expect(natures.of('EXECUTE p').nature.isReadOnly).toBe(false);
  });
});

describe('a text whose session may have a character set of two bytes', () => {
  it.each([
    // In gbk, BF 5C and BF 60 are characters, and neither escapes nor closes.
    ["SELECT 'a\\xBF\\' '\\'\\xBF\\' INTO OUTFILE \"f\" -- '", 'files'],
    ["SELECT 'a縗\\' '\\'縗\\' INTO OUTFILE \"f\" -- '", 'files'],
    ["SELECT 1 AS `a\\xBF`, ` INTO OUTFILE 'f' -- `", 'files'],
    ["SELECT 'a\\xBF\\' '\\xBF\\xBF\\'\\xBF\\' ; SHUTDOWN -- '", 'server'],
    ["SELECT 'a\\x95\\'; DROP USER u -- '", 'accounts'],
  ])('is refused for what it is there: %s', (sql, refusal) => {
    expect(natureOf(sql).refusal).toBe(refusal);
    expect(new Natures().of(sql).nature.refusal).toBe(refusal);
  });

  it.each([
    "SELECT 'caf\\xE9\\'s'",
    "SELECT '表\\'', 'é\\\\'",
    'SELECT `é` FROM t',
    "SELECT 'é\\n'",
  ])('reads where it does so in every way: %s', (sql) =>
    expect(natureOf(sql)).toMatchObject({ refusal: null, isReadOnly: true }),
  );
});

describe('any text', () => {
  const PIECES =
    `SELECT FROM t WHERE ( ) , ; ' " \\ \` /* */ /*! /*!50701 -- \n # @ @@ GLOBAL SET BEGIN END IF THEN CASE WHEN
     CREATE PROCEDURE p AS DO DROP USER mysql . user PREPARE EXECUTE IMMEDIATE USING FOR WITH INSERT INTO VALUES 1 ? :
     DECLARE HANDLER LOOP \u00a0 é 😀 \\xE9 0x41 b'1' N'a' = := DEFINER ENGINE GET_LOCK ANALYZE EXPLAIN FORMAT`
      .split(/\s+/)
      .concat(' ', '\n');

  it('has a nature', () => {
    let seed = 5;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return Math.floor((seed / 0x7fffffff) * below);
    };
    const natures = new Natures();
    for (let n = 0; n < 2_000; n++) {
      const length = 1 + random(25);
      const words = Array.from({ length }, () => PIECES[random(PIECES.length)] ?? '');
      const sql = words.join(random(4) === 0 ? '' : ' ');
      const nature = natureOf(sql);
      expect(nature.isReadOnly && nature.refusal !== null).toBe(false);
      expect(natures.of(sql).nature).toEqual(nature);
    }
  });

  it.each([
    '(',
    '/**/',
    '/*!1',
    ';',
    "'",
    '"',
    'with a ',
    'a.',
    '@',
    "\\'",
    'CASE ',
    'BEGIN ',
    'SET a=1,',
    'SELECT 1;',
    '/*!50701 ',
  ])('is read in a time that grows with its length: %j', (piece) => {
    // The limit of a test is not enough for the square of that.
    for (const before of [
      '',
      'SELECT ',
      'CREATE PROCEDURE p() BEGIN ',
      'SET a = ',
      'INSERT INTO t VALUES ',
    ]) {
      expect(() => natureOf(before + piece.repeat(30_000))).not.toThrow();
    }
  });
});
