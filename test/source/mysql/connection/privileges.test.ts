import { describe, expect, test } from 'vitest';
import { flavorOf } from '../../../../src/source/mysql/connection/flavor.ts';
import { privilegeNeeds } from '../../../../src/source/mysql/connection/privileges.ts';

const mariadb = flavorOf('10.11.6-MariaDB-log');
const mysql8 = flavorOf('8.4.2');
const plain = {
  isReadOnly: false,
  writesBinaryLog: false,
  logsToTable: false,
  measuresStatements: false,
};

const ENOUGH_ON_MARIADB = [
  "GRANT PROCESS, SUPER ON *.* TO `recorder`@`%` IDENTIFIED BY PASSWORD '*123'",
  'GRANT ALL PRIVILEGES ON `captures`.* TO `recorder`@`%`',
  'GRANT SELECT, INSERT, CREATE, DROP, ALTER ON `mysql`.`general_log` TO `recorder`@`%`',
  'GRANT SELECT, INSERT, CREATE, DROP, ALTER ON `sys`.`captures_swap` TO `recorder`@`%`',
];

function missing(
  lines: readonly string[],
  flavor = mariadb,
  circumstances: typeof plain = plain,
): string[] {
  return privilegeNeeds(lines, 'recorder@%', flavor, circumstances)
    .filter(({ state }) => state === 'missing')
    .map(({ grant }) => grant);
}

describe('the privileges that are missing', () => {
  test('are none for exactly what is needed on MariaDB', () => {
    expect(missing(ENOUGH_ON_MARIADB)).toEqual([]);
  });

  test('are none for root', () => {
    expect(
      missing(['GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION']),
    ).toEqual([]);
  });

  test('are all of them for an account with USAGE, each with its GRANT', () => {
    expect(missing(['GRANT USAGE ON *.* TO `recorder`@`%`'])).toEqual([
      'GRANT SUPER ON *.* TO `recorder`@`%`',
      'GRANT PROCESS ON *.* TO `recorder`@`%`',
      'GRANT SELECT, INSERT, CREATE, DROP, ALTER ON mysql.general_log TO `recorder`@`%`',
      'GRANT ALL PRIVILEGES ON captures.* TO `recorder`@`%`',
      'GRANT EVENT ON captures.* TO `recorder`@`%`',
      'GRANT SELECT, INSERT, CREATE, DROP, ALTER ON sys.captures_swap TO `recorder`@`%`',
    ]);
  });

  test('are named with what MySQL 8 calls them', () => {
    const grants = missing(['GRANT USAGE ON *.* TO `recorder`@`%`'], mysql8);
    expect(grants[0]).toBe('GRANT SYSTEM_VARIABLES_ADMIN ON *.* TO `recorder`@`%`');
    // Tried on 9.7.4: without it, or SUPER, sql_log_off is 1 and the session is logged all the same.
    expect(grants).toContain('GRANT CONNECTION_ADMIN ON *.* TO `recorder`@`%`');
    expect(flavorOf('5.7.44-log').switchPrivilege).toBe('SUPER');
  });

  test('are found in roles and in dynamic privileges', () => {
    expect(
      missing(
        [
          'GRANT PROCESS ON *.* TO `recorder`@`%`',
          'GRANT CONNECTION_ADMIN,SYSTEM_VARIABLES_ADMIN ON *.* TO `role`@`%`',
          'GRANT SELECT, INSERT, CREATE, DROP, ALTER ON `mysql`.`general_log` TO `role`@`%`',
          'GRANT ALL PRIVILEGES ON `captures`.* TO `recorder`@`%`',
          'GRANT SELECT ON `performance_schema`.* TO `recorder`@`%`',
          'GRANT SELECT, INSERT, CREATE, DROP, ALTER ON `sys`.`captures_swap` TO `recorder`@`%`',
          'GRANT `role`@`%` TO `recorder`@`%`',
        ],
        mysql8,
      ),
    ).toEqual([]);
  });

  test.each([
    ['`capt%`', true],
    ['`capture_`', true],
    ['`capture\\_`', false],
    ['`other`', false],
  ])('a grant on the pattern %s counts: %s', (pattern, counts) => {
    const lines = ENOUGH_ON_MARIADB.map((line) => line.replace('`captures`', pattern));
    expect(missing(lines).length === 0).toBe(counts);
  });

  test('a privilege on columns is none on the table', () => {
    const lines = ENOUGH_ON_MARIADB.map((line) =>
      line.replace(/SELECT, INSERT(?=.*general_log)/, 'SELECT (argument, event_time), INSERT'),
    );
    expect(missing(lines)).toHaveLength(1);
  });

  test('include what a read-only server and a binary log ask for', () => {
    const grants = missing(['GRANT USAGE ON *.* TO `recorder`@`%`'], mariadb, {
      ...plain,
      isReadOnly: true,
      writesBinaryLog: true,
      logsToTable: false,
    });
    expect(grants).toContain('GRANT READ_ONLY ADMIN ON *.* TO `recorder`@`%`');
    expect(grants).toContain('GRANT BINLOG ADMIN ON *.* TO `recorder`@`%`');
  });

  test.each([
    ['10.5.23-MariaDB-log', []],
    ['10.10.2-MariaDB', []],
    ['10.11.6-MariaDB', ['GRANT READ_ONLY ADMIN ON *.* TO `recorder`@`%`']],
    ['5.5.5-10.6.18-MariaDB', []],
    [
      '11.4.2-MariaDB-ubu2404',
      [
        'GRANT READ_ONLY ADMIN ON *.* TO `recorder`@`%`',
        'GRANT BINLOG ADMIN ON *.* TO `recorder`@`%`',
      ],
    ],
  ])('SUPER of %s does not imply: %s', (version, grants) => {
    const circumstances = { ...plain, isReadOnly: true, writesBinaryLog: true };
    expect(missing(ENOUGH_ON_MARIADB, flavorOf(version), circumstances)).toEqual(grants);
  });

  test.each([
    ['5.7.44-log', 'SUPER'],
    ['8.0.36', 'CONNECTION_ADMIN'],
  ])('a read-only %s wants %s, once', (version, privilege) => {
    const circumstances = { ...plain, isReadOnly: true, writesBinaryLog: true };
    const grants = missing(['GRANT USAGE ON *.* TO `r`@`%`'], flavorOf(version), circumstances);
    const wanted = `GRANT ${privilege} ON *.* TO \`recorder\`@\`%\``;
    expect(grants.filter((grant) => grant === wanted)).toEqual([wanted]);
  });

  test.each([
    [mariadb, false, 0],
    [mariadb, true, 1],
    [mysql8, false, 1],
    [mysql8, true, 1],
  ])('include the times of statements where the server has them (%#)', (flavor, measures, most) => {
    const needs = privilegeNeeds([], 'recorder@%', flavor, {
      ...plain,
      measuresStatements: measures,
    });
    const found = needs.filter(({ purpose }) => purpose.includes('how long statements took'));
    expect(found.map(({ required, grant }) => ({ required, grant }))).toEqual(
      Array(most).fill({
        required: false,
        grant: 'GRANT SELECT ON performance_schema.* TO `recorder`@`%`',
      }),
    );
  });

  test.each([
    [{}, false],
    [{ logsToTable: true }, true],
    [{ isReadOnly: true }, true],
  ])('CONNECTION_ADMIN is required on MySQL with %o: %s', (changes, required) => {
    const needs = privilegeNeeds([], 'recorder@%', mysql8, { ...plain, ...changes });
    const found = needs.filter(({ privilege }) => privilege === 'CONNECTION_ADMIN');
    expect(found.map((need) => need.required)).toEqual([required]);
  });

  test("include what MySQL's partial revokes take back", () => {
    const lines = [
      'GRANT ALL PRIVILEGES ON *.* TO `recorder`@`%`',
      'REVOKE INSERT, UPDATE ON `mysql`.* FROM `recorder`@`%`',
    ];
    expect(missing(lines, mysql8)).toEqual([
      'GRANT SELECT, INSERT, CREATE, DROP, ALTER ON mysql.general_log TO `recorder`@`%`',
    ]);
  });

  test('are unknown where the server does not tell', () => {
    const needs = privilegeNeeds(null, 'recorder@%', mariadb, plain);
    expect(new Set(needs.map(({ state }) => state))).toEqual(new Set(['unknown']));
  });

  test('an account with odd characters is quoted', () => {
    const [first] = privilegeNeeds([], 'od`d@x@10.0.%', mariadb, plain);
    expect(first?.grant).toBe('GRANT SUPER ON *.* TO `od``d@x`@`10.0.%`');
  });
});
