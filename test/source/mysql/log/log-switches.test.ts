import { describe, expect, test } from 'vitest';
import { maySwitchLogOff } from '../../../../src/source/mysql/log/log-switches.ts';

/** What follows is what MariaDB 10.5, 10.11 and MySQL 5.6, 9.7 did when they were asked. */
describe('a statement that may switch the log off', () => {
  test.each([
    'SET GLOBAL general_log=OFF',
    'set global GENERAL_LOG = off;',
    'SET @@global.general_log := 0',
    'SET @@GLOBAL . `general_log` = 0',
    'SET PERSIST general_log=0',
    'SET @@persist.general_log=0',
    "SET GLOBAL general_log='OFF'",
    'SET GLOBAL general_log=false',
    'SET GLOBAL general_log=DEFAULT',
    'SET GLOBAL general_log=@v',
    'SET GLOBAL general_log=?',
    'SET GLOBAL general_log = IF(1, 0, 1)',
    'SET GLOBAL general_log=NOT 1',
    'SET GLOBAL max_connections=300, general_log=OFF',
    'SET @a=(SELECT 1, 2), GLOBAL general_log=0',
    'SET GLOBAL general_log=0, GLOBAL general_log=1',
    "SET GLOBAL log_output='FILE'",
    "SET GLOBAL log_output='NONE,TABLE'",
    'SET GLOBAL log_output=DEFAULT',
    'SET GLOBAL log_output=2',
    'SET GLOBAL "general_log"=0',
    '/* c */ SET GLOBAL general_log=0',
    '/*!50000 SET GLOBAL general_log=0 */',
    'SET /*M!100100 GLOBAL */ -- x\n general_log /**/ = 0',
    'SELECT SLEEP(1); SET GLOBAL general_log=0; SELECT 2',
    "SELECT ';'; SET @v=0; SET GLOBAL general_log=@v",
    'BEGIN NOT ATOMIC SET GLOBAL general_log=0; END',
    'IF 1 THEN SET GLOBAL general_log=0; END IF',
    'SET STATEMENT lock_wait_timeout=1 FOR SET GLOBAL general_log=0',
    'CREATE PROCEDURE p() BEGIN SELECT 1; END; SET GLOBAL general_log=0',
  ])('%s', (sql) => {
    expect(maySwitchLogOff({ kind: 'query', sql })).toBe(true);
    expect(maySwitchLogOff({ kind: 'execute', sql })).toBe(true);
  });

  test.each([
    'SET GLOBAL general_log=ON',
    'SET GLOBAL general_log = 1;',
    "SET @@global.general_log='on', GLOBAL log_output='table'",
    "SET GLOBAL log_output='FILE,TABLE'",
    'SET GLOBAL log_output=6',
    // Refused: neither is a session's own.
    'SET general_log=0',
    'SET SESSION general_log=0',
    'SET @@general_log=0',
    'SET GLOBAL max_connections=300, SESSION sort_buffer_size=100000, general_log=OFF',
    // For the next start alone.
    'SET PERSIST_ONLY general_log=0',
    'SET @general_log=0',
    "SET GLOBAL general_log_file='/x'",
    'SELECT @@global.general_log = 0',
    "SELECT 'SET GLOBAL general_log=0'",
    "SET @a='; SET GLOBAL general_log=0'",
    'UPDATE t SET general_log=0',
    "INSERT INTO t SET note='; SET GLOBAL general_log=0;', general_log=0",
    "PREPARE p FROM 'SET GLOBAL general_log=0'",
    'CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SET GLOBAL general_log=0',
    'CREATE PROCEDURE p() BEGIN SELECT 1; SET GLOBAL general_log=0; END',
    '-- SET GLOBAL general_log=0',
    '',
  ])('is not: %s', (sql) => {
    expect(maySwitchLogOff({ kind: 'query', sql })).toBe(false);
  });

  test('counts from when it is prepared, and is none in a message that runs nothing', () => {
    const sql = 'SET GLOBAL general_log=0';
    expect(maySwitchLogOff({ kind: 'prepare', sql })).toBe(true);
    expect(maySwitchLogOff({ kind: 'init_db', sql })).toBe(false);
  });
});
