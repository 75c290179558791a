import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StatementRecord } from '../../src/core/workloads/statements.ts';
import { SQL_HEADER } from '../../src/workload/sql-format.ts';
import { sqlText } from '../workload/statements.ts';
import { startServer, type DatabaseServer } from '../support/database-server.ts';
import { PATIENCE_MS } from '../support/processes.ts';
import { temporaryFolder } from '../support/stores.ts';
import { rowsOf } from '../support/recorder-server.ts';

/** A client of the server's own family where its tree has one: CAPTURES_TEST_CLIENT="chroot DIR mysql". */
const CLIENT = (process.env['CAPTURES_TEST_CLIENT'] ?? 'mariadb').split(' ');

let server: DatabaseServer;
let admin: Connection;
beforeAll(async () => {
  server = await startServer();
  admin = await server.admin();
  await admin.query("SET GLOBAL log_output = 'TABLE'; SET sql_log_off = 1");
  await admin.query("CREATE USER 'feeder'@'127.0.0.1' IDENTIFIED BY 'x'");
  await admin.query("GRANT ALL ON *.* TO 'feeder'@'127.0.0.1'");
});
afterAll(async () => {
  await admin.end();
  await server.stop();
});

/** What would touch a file if the client took it for its own. */
function commands(touch: string, folder: string): string[] {
  return [
    `system ${touch}`,
    `SYSTEM ${touch}`,
    `\\! ${touch}`,
    `source ${folder}.sql`,
    `\\. ${folder}.sql`,
    `tee ${folder}/tee`,
    `\\T ${folder}/tee`,
    `pager ${touch}`,
    `\\P ${touch}`,
    'edit',
    '\\e',
    'delimiter x',
    '\\d x',
    'exit',
    'quit',
    'connect nowhere',
    'use nowhere',
    'print',
    'status',
    '?',
  ];
}

/** Places of a statement in which a client may look for its commands. */
function around(command: string): string[] {
  return [
    command,
    `SELECT 1\n${command}`,
    `SELECT 1\n \t${command}\n`,
    `SELECT 1\r\n${command}\r\n`,
    `SELECT 1\n\r${command}`,
    `SELECT 1 -- c\n${command}`,
    `SELECT 1 # c\n\n${command}`,
    `SELECT 1\n/* c */ ${command}`,
    `SELECT 1 /* c\n${command}\n*/`,
    `SELECT 1 /*! + 1\n${command}\n*/`,
    `SELECT 1 /*!99999 x\n${command}\n*/`,
    `SELECT 1 /*M! + 1\n${command}\n*/`,
    `SELECT /*+ x\n${command}\n*/ 1`,
    `SELECT 'a\n${command}\n'`,
    `SELECT "a\n${command}\n"`,
    `SELECT 1 AS \`a\n${command}\n\``,
    `SELECT 'a\\'\n${command}\n'`,
    `SELECT 'a\\';\n${command}\n-- '`,
    `SELECT 'a\\\\';\n${command}`,
    `SELECT 1;\n${command}`,
    `SELECT 1; SELECT 2\n;\n${command}`,
    `(SELECT 1)\n${command}`,
    `--1\n${command}`,
    `/* */\n${command}`,
    `SELECT '\0'\n${command}`,
  ];
}

function aRecord(sql: string, seq: number): StatementRecord {
  return {
    seq,
    time: '2026-11-22T02:00:00.000000Z',
    session: 7,
    user: 'app',
    host: 'h',
    db: null,
    kind: 'query',
    sql,
  };
}

function feed(text: Buffer, flags: readonly string[]): void {
  const [program = '', ...before] = CLIENT;
  const { error } = spawnSync(
    program,
    [
      ...before,
      ...flags,
      '--force',
      '--comments',
      '-h127.0.0.1',
      `-P${server.port}`,
      '-ufeeder',
      '-px',
      '--default-character-set=utf8mb4',
    ],
    {
      input: text,
      timeout: PATIENCE_MS,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { ...process.env, EDITOR: 'true' },
    },
  );
  expect(error).toBeUndefined();
}

/** What the server received of the client, without what it asks by itself. */
async function received(work: () => void): Promise<string[]> {
  await admin.query(
    'SET GLOBAL general_log = OFF; TRUNCATE mysql.general_log; SET GLOBAL general_log = ON',
  );
  work();
  await admin.query('SET GLOBAL general_log = OFF');
  const rows = await rowsOf(
    admin,
    "SELECT CAST(argument AS CHAR CHARACTER SET utf8mb4) AS sql_text FROM mysql.general_log WHERE command_type = 'Query'",
  );
  return rows.map((row) => String(row['sql_text'])).filter((sql) => !/@@version_comment/.test(sql));
}

const WAYS: readonly (readonly string[])[] = [
  [],
  ['-G'],
  ['--binary-mode'],
  ['-G', '--binary-mode'],
];

describe.each(WAYS.map((flags) => [flags.join(' ') || 'no options', flags] as const))(
  'a client with %s',
  (_, flags) => {
    test('runs no command of its own, whatever was recorded', async () => {
      const folder = temporaryFolder();
      const touch = `touch ${folder}/touched`;
      writeFileSync(`${folder}.sql`, `system ${touch}\n`);
      const all = commands(touch, folder).flatMap(around);
      const hostile = [...all, "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'", ...all];
      const { text } = sqlText(hostile.map((sql, index) => aRecord(sql, index)));
      // Where a client left off, or waited for a quote to end, what follows would not arrive.
      const end = Buffer.from('SELECT 424242;\n');
      const sent = await received(() =>
        feed(Buffer.concat([Buffer.from(SQL_HEADER), text, end]), flags),
      );
      expect(readdirSync(folder)).toEqual([]);
      expect(sent.at(-1)).toBe('SELECT 424242');
    });

    test('hands on every other statement byte for byte', async () => {
      const good = [
        'SELECT 1',
        'SELECT 1 /* kept */',
        'SELECT 2 -- kept',
        "SELECT 'two\nlines'",
        'SELECT \'semi;colon\', "a;b"',
        "SELECT 'c:\\\\dir\\\\', 'tab\\t'",
        'SELECT\n  1,\n  2',
        "SELECT '日本 é'",
        'SELECT 1 AS `a;b`',
        "SELECT '$$', '-- no', '/* no */', '# no'",
        'SELECT 5 /*!50000 + 1 */',
        'SELECT 1 --1',
        "SELECT 'system x\nsystem y'",
        ...(flags.includes('--binary-mode') ? ["SELECT 'cr\r\nlf'"] : []),
      ];
      const { text } = sqlText(good.map((sql, index) => aRecord(sql, index)));
      const sent = await received(() => feed(text, flags));
      expect(
        sent.filter((sql) => !/^-- \d/.test(sql)).map((sql) => sql.replace(/\n$/, '')),
      ).toEqual(good);
    });
  },
);

test('a folder for what is touched would be seen', () => {
  const folder = temporaryFolder();
  feed(Buffer.from(`system touch ${folder}/touched\nSELECT 1;\n`), []);
  if (CLIENT.length === 1) expect(readdirSync(join(folder))).toEqual(['touched']);
});
