import fc from '../support/properties.ts';
import { CANARY } from './secret-forms.ts';

/**
 * Statements with a secret, made from a grammar of what MariaDB 10.5 to 11.8 and MySQL 9.7 accept, and
 * of what people send by mistake. Each holds `CANARY`, or its hexadecimal digits, as part of a secret
 * and nowhere else.
 */

/** What may be written: the servers differ. */
type Family = 'mariadb' | 'mysql' | 'any';

const HEX = Buffer.from(CANARY).toString('hex');

/** Texts of which a leak is looked for, in lower case. */
export const TRACES: readonly string[] = [CANARY.toLowerCase(), HEX];

/** A mark in the shapes below: white space that must be there, that may be, the secret. */
const SPACE = '_';
const GAP = '~';
const SECRET = '§';

/** Shapes of one statement. Names do not matter: most accounts and tables do not exist. */
const SHAPES: Readonly<Record<Family, readonly string[]>> = {
  any: [
    'CREATE_USER_IF_NOT_EXISTS_u1@h_IDENTIFIED_BY_§',
    "ALTER_USER_'u1'~@~'h'_IDENTIFIED_BY_§_REQUIRE_SUBJECT_'/CN=x'",
    'CREATE_USER_u1_IDENTIFIED_BY_§~,~u2_IDENTIFIED_BY_§_ACCOUNT_LOCK',
    'SET_PASSWORD_FOR_u1@h~=~§',
    'SET_@password~=~§',
    'SET_@`new password`~=~§~,~@a~=~1',
    'SET_@a~=~1~,~@"pwd"~:=~§',
    'SELECT_@password~:=~§',
    'SELECT_§_INTO_@password',
    'SELECT_1~,~§_INTO_@a~,~@pwd',
    "CREATE_SERVER_s1_FOREIGN_DATA_WRAPPER_mysql_OPTIONS~(~USER_'u'~,~PASSWORD_§~,~HOST_'h'~)",
    'ALTER_SERVER_s1_OPTIONS~(~PASSWORD_§~)',
    "INSERT_INTO_mysql.servers_VALUES~(~'s'~,~'h'~,~'d'~,~'u'~,~§~,~0~,~''~,~'mysql'~,~''~)",
    'CALL_mysql~.~rds_set_external_master~(~§~,~3306~)',
    'CALL_`mysql`~.~`rds_set_external_master`~(~§~,~3306~)',
  ],
  mariadb: [
    'CREATE_OR_REPLACE_USER_u1_IDENTIFIED_BY_§',
    'GRANT_SELECT_ON_*.*_TO_u1_IDENTIFIED_BY_§_WITH_GRANT_OPTION',
    'CREATE_USER_u1_IDENTIFIED_VIA_ed25519_USING_PASSWORD~(~§~)_OR_unix_socket',
    'SET_PASSWORD~=~PASSWORD~(~§~)',
    'SET_PASSWORD_FOR_u1~=~PASSWORD~(~§~)',
    'SELECT_PASSWORD~(~§~)',
    'SELECT_`PASSWORD`~(~§~)',
    'SELECT_1_FROM_dual_WHERE_OLD_PASSWORD~(~CONCAT~(~§~,~1~)~)~=~2',
    'DO_PASSWORD~(~§~)',
    "CHANGE_MASTER_TO_MASTER_HOST~=~'h'~,~MASTER_PASSWORD~=~§~,~MASTER_PORT~=~3306",
    'SET_STATEMENT_max_statement_time~=~1_FOR_SET_PASSWORD_FOR_u1~=~PASSWORD~(~§~)',
    "START_SLAVE_UNTIL_MASTER_GTID_POS~=~'0-1-1'~;_SET_@pwd~=~§",
    'EXECUTE_IMMEDIATE_"SELECT PASSWORD(?)"_USING_§',
    'ANALYZE_SELECT_PASSWORD~(~§~)',
  ],
  mysql: [
    'CREATE_USER_u1_IDENTIFIED_WITH_caching_sha2_password_BY_§',
    'ALTER_USER_u1_IDENTIFIED_BY_§_REPLACE_§_RETAIN_CURRENT_PASSWORD',
    "CHANGE_REPLICATION_SOURCE_TO_SOURCE_USER~=~'u'~,~SOURCE_PASSWORD~=~§~,~SOURCE_PORT~=~3306",
    "START_REPLICA_USER~=~'u'_PASSWORD~=~§",
    "CLONE_INSTANCE_FROM_'u'@'h':3306_IDENTIFIED_BY_§",
  ],
};

/** Shapes whose secret is a part of a literal, which is written as a whole. */
const IN_LITERALS: readonly string[] = [
  `CREATE_TABLE_f1~(~a_INT~)~ENGINE~=~FEDERATED_CONNECTION~=~'mysql://u:${CANARY}@h:3306/d/t'`,
  `CREATE_TABLE_f1~(~a_INT~)~ENGINE~=~InnoDB_CONNECTION~=~"mysql://u:${CANARY}@h/d/t"_COMMENT~=~'c'`,
  `ALTER_TABLE_t1_ADD_c_TIMESTAMP_ON_UPDATE_CURRENT_TIMESTAMP~,~CONNECTION~'mysql://u:${CANARY}@h/d/t'`,
  `CREATE_TABLE_f1~(~a_INT~)~COMMENT~=~'wrapper "mysql", password "${CANARY}"'`,
];

/** What the servers refuse, and log. */
const REFUSED: readonly string[] = [
  `CREATE_USER_u1_IDENTIFIED_BY_'it'${CANARY}'`,
  `CREATE_USER_u1_IDENTIFIED_BY_'it' s ${CANARY}'`,
  `CREATE_USER_u1_IDENTIFIED_BY_'it'-${CANARY}'`,
  `SET_PASSWORD~=~${CANARY}`,
  `SET_PASSWORD_${CANARY}`,
  `SET_PASSWORD_FOR_u1@h~=~${CANARY}`,
  `SET_PASSWORD_FOR_u1@h_'${CANARY}'`,
  `SET_PASSWORD~=~PASSWORD~(~'it'${CANARY}'~)`,
  `CREATE_USER_u1_IDENTIFIED_'${CANARY}'`,
  `CREATE_USER_u1_IDENTIFIED~=~'${CANARY}'`,
  `ALTER_USER_u1_IDENTIFIED_${CANARY}`,
  `CREATE_USER_u1_IDENTIFID_BY_'${CANARY}'`,
  `CREATE_USER_u1_WITH_PASSWORD_'${CANARY}'`,
  `ALTER_USER_u1_PASSWORD_${CANARY}`,
  `ALTER_SERVER_s1_OPTIONS~(~PASSWORD_${CANARY}~)`,
  `CHANGE_MASTER_TO_MASTER_PASSWORD~=~'it'${CANARY}'`,
  `CHANGE_MASTER_TO_MASTER_PASSWORD_${CANARY}`,
  `START_SLAVE_USER~=~'u'_PASSWORD_${CANARY}`,
  `SET_@password_'${CANARY}'`,
];

const random = {
  /** Between words that need something between them. */
  space: fc.oneof(
    { arbitrary: fc.constant(' '), weight: 8 },
    fc.constantFrom('\n', '\t', '  ', '\r\n', '\f', '\v', '/**/', ' /* it */ ', " /* it's */ "),
    fc.constantFrom(' -- c\n', " -- it's\n", '--\t\n', ' # c\n', '#"\n', ' '.repeat(250)),
    fc.constantFrom(' /*!*/ ', '/*!50001 */', '/*!999999 x */', '/*M!999999 ( */', "/*!99999 '*/"),
  ),
  /** Where nothing has to stand. */
  gap: fc.oneof(
    { arbitrary: fc.constant(''), weight: 8 },
    fc.constantFrom(' ', '\n', '/* c */', "/* it's */ ", '-- c\n', '#\n', ' '.repeat(300)),
    fc.constantFrom('/*!*/', '/*!50001 */', '/*!999999 , */', '/*M!999999 ; */'),
  ),
  /** Long enough that nobody sends it by chance. */
  value: fc
    .tuple(
      fc.string({ unit: 'grapheme-ascii', maxLength: 6 }),
      fc.string({
        unit: fc.constantFrom("'", '"', '\\', '%', ';', ' ', 'é', '#', '-'),
        maxLength: 4,
      }),
    )
    .map(([before, behind]) => before + CANARY + behind),
  mark: fc.constantFrom("'", '"'),
};

/** A literal of the servers' default sql_mode. */
export function literal(value: string, mark: string): string {
  return mark + value.replaceAll('\\', '\\\\').replaceAll(mark, mark + mark) + mark;
}

const secret: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: fc.tuple(random.value, random.mark).map(([v, m]) => literal(v, m)), weight: 8 },
  fc.constantFrom(`'it\\'s ${CANARY}'`, `"a\\"${CANARY}"`, `'x' '${CANARY}'`, `'x'\n"${CANARY}"`),
);

/** The words in another case, and other white space between them. */
function spelt(shape: string): fc.Arbitrary<string> {
  const parts = shape.split(/(['"`][^'"`]*['"`]|[_~§])/).filter((part) => part !== '');
  const arbitraries = parts.map((part): fc.Arbitrary<string> => {
    if (part === SPACE) return random.space;
    if (part === GAP) return random.gap;
    if (part === SECRET) return secret;
    if (/^['"`]/.test(part) || part.includes(CANARY)) return fc.constant(part);
    return fc.constantFrom(part, part, part.toLowerCase(), capitalised(part));
  });
  return fc.tuple(...arbitraries).map((texts) => texts.join(''));
}

function capitalised(word: string): string {
  return word.charAt(0) + word.slice(1).toLowerCase();
}

/** Underscores within a word of a shape are no marks for white space. */
const KEPT = /(?<=[a-z]|MASTER|SOURCE|OLD)_(?=[a-z]|HOST|PASSWORD|PORT|USER|GTID)/g;

function shapesOf(family: Exclude<Family, 'any'>): fc.Arbitrary<string> {
  const accepted = [...SHAPES.any, ...SHAPES[family]];
  const all = [...accepted, ...accepted, ...IN_LITERALS, ...REFUSED];
  return fc
    .constantFrom(...all)
    .chain((shape) => spelt(shape.replaceAll(KEPT, '\u0001')))
    .map((sql) => sql.replaceAll('\u0001', '_'));
}

type Around = (sql: string) => string;

const BODIES: readonly Around[] = [
  (sql) => `BEGIN ${sql}; END`,
  (sql) => `BEGIN IF EXISTS(SELECT 1) THEN ${sql}; END IF; END`,
  (sql) => `BEGIN DECLARE x INT DEFAULT 1; IF x > 1 THEN SELECT 2; ELSE ${sql}; END IF; END`,
  (sql) =>
    `BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION ${sql}; SELECT CASE WHEN 1 THEN 2 ELSE 3 END; END`,
  (sql) => `a: BEGIN b: LOOP SELECT 1 INTO @x; ${sql}; LEAVE b; END LOOP; END`,
  (sql) => `BEGIN CASE (SELECT 1) WHEN 1 THEN ${sql}; ELSE BEGIN END; END CASE; END`,
  (sql) => `BEGIN WHILE (SELECT 0) DO ${sql}; END WHILE; REPEAT ${sql}; UNTIL 1 END REPEAT; END`,
];

const ROUTINES: readonly Around[] = [
  (body) => `CREATE PROCEDURE p1() ${body}`,
  (body) => `CREATE DEFINER=CURRENT_USER PROCEDURE p1(IN a INT) COMMENT 'c' ${body}`,
  (body) => `CREATE EVENT e1 ON SCHEDULE EVERY 1 DAY DO ${body}`,
];

const AROUND: Readonly<Record<Family, readonly Around[]>> = {
  any: [
    (sql) => sql,
    (sql) => sql,
    (sql) => sql,
    (sql) => `SELECT 'x;'; ${sql}`,
    (sql) => `/* app */ ${sql}`,
    (sql) => `/*!50001 ${sql.includes('/*') || /--|#/.test(sql) ? 'SELECT 1' : sql} */; ${sql}`,
    (sql) => `PREPARE s1 FROM ${literal(sql, "'")}`,
    (sql) => `PREPARE s1 FROM ${literal(sql, '"')}`,
    (sql) => `SET @s = ${literal(sql, "'")}`,
    (sql) => `SELECT ${literal(sql, "'")} INTO @s`,
    (sql) => `SET @s = CONCAT(${inPieces(sql).join(', ')})`,
    (sql) => `INSERT INTO queue VALUES (1, ${literal(sql, "'")})`,
  ],
  mariadb: [
    (sql) => `EXECUTE IMMEDIATE ${literal(sql, "'")}`,
    (sql) => `EXECUTE IMMEDIATE CONCAT(${inPieces(sql).join(', ')})`,
    (sql) => `EXECUTE IMMEDIATE ${literal(`EXECUTE IMMEDIATE ${literal(sql, '"')}`, "'")}`,
    (sql) => `IF EXISTS(SELECT 1) THEN ${sql}; END IF`,
    (sql) => `BEGIN NOT ATOMIC IF EXISTS(SELECT 1) THEN ${sql}; END IF; END`,
    (sql) => `EXECUTE IMMEDIATE 0x${Buffer.from(sql).toString('hex')}`,
  ],
  mysql: [],
};

/** The text in literals that a client would put together: with a cut in the middle of the secret, too. */
function inPieces(sql: string): string[] {
  const middle = sql.indexOf(CANARY);
  const cuts = [Math.floor(middle / 3), Math.floor((middle * 2) / 3), middle];
  let at = 0;
  return [...cuts, sql.length].map((end) => {
    const piece = literal(sql.slice(at, end), "'");
    at = end;
    return piece;
  });
}

/** Statements for servers of a family; about two in three are accepted. */
export function statementsWithSecrets(family: 'mariadb' | 'mysql'): fc.Arbitrary<string> {
  const shape = shapesOf(family);
  const body = fc.tuple(shape, fc.constantFrom(...BODIES)).map(([sql, around]) => around(sql));
  const routine = fc.tuple(fc.oneof(shape, body), fc.constantFrom(...ROUTINES));
  return fc.oneof(
    {
      arbitrary: fc
        .tuple(shape, fc.constantFrom(...AROUND.any, ...AROUND[family]))
        .map(([sql, around]) => around(sql)),
      weight: 3,
    },
    routine.map(([sql, around]) => around(sql)),
  );
}
