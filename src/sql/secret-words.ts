import { wordSet } from './words.ts';

/**
 * The words beside which a secret of the server can stand. From the grammars of MariaDB 10.5 to 11.8
 * and MySQL 5.6 to 9.7 (sql_yacc.yy), the procedures of RDS, Azure and Google Cloud SQL, and what
 * people mistype.
 */

/**
 * What MySQL writes to its log in the place of a password, without quotes but for a few statements.
 * What it cannot rewrite (with `log_raw`, in bodies of procedures) it logs as it came.
 */
export const HIDDEN = '<secret>';

/** Functions of the server whose arguments are passwords or keys. */
export const PASSWORD_FUNCTIONS = wordSet(
  'PASSWORD OLD_PASSWORD ED25519_PASSWORD ENCRYPT VALIDATE_PASSWORD_STRENGTH KEYRING_KEY_STORE',
);

/** Functions that put a text together from pieces. */
export const JOINING_FUNCTIONS = wordSet('CONCAT CONCAT_WS REPLACE INSERT');

/** Procedures of the clouds that are told a password or key. */
export const SECRET_PROCEDURE =
  /^(?:RDS_(?:SET_EXTERNAL_|IMPORT_BINLOG_SSL)|AZ_REPLICATION_CHANGE_|SETUPEXTERNALSOURCE)/;

/** PASSWORD, PASSWD, and what they are mistyped as. */
export const PASSWORD_WORD = /^PAS+[WOR]{1,4}D$/;

/** A setting or option that is named after what it holds. */
export const SECRET_NAME =
  /(?:PAS+[WOR]{1,4}D|PASSPHRASE|(?:^|_)PWD|(?:^|_)SECRET|SECRET_(?:KEY|ID)|ACCESS_KEY|SST_AUTH|MANAGEMENT_TOKEN)\d*$/;

/** A user variable that is. */
export const SECRET_VARIABLE = /PAS+[WOR]{1,4}D|PASSPHRASE|PWD|(?:^|_)PW\d*$|SECRET|ACCESS_KEY/;

/** Tables of the server with passwords or hashes among their rows. */
export const SECRET_TABLES = wordSet('USER GLOBAL_PRIV SERVERS SLAVE_MASTER_INFO PASSWORD_HISTORY');

/** `password=x` or `password "x"` among the options in a string; its quotes may be escaped. */
export const OPTION_SECRET = /(?:password|passwd|pwd)(?:[\s\\]|xA0)*[="']/i;

export const AUTHENTICATION = /authentication_string/i;

/** First words of statements on rows: `password = 'x'` is an application's own there. */
export const ON_ROWS = wordSet(
  'SELECT INSERT UPDATE DELETE REPLACE LOAD CALL WITH VALUES TABLE HANDLER DO SHOW',
);
/** First words of statements that INTO a table is of. */
export const TAKES_ROWS = wordSet('INSERT REPLACE LOAD');
/** First words behind which another statement stands. */
export const EXPLAINS = wordSet('EXPLAIN DESCRIBE DESC ANALYZE');

/** How statements with secrets begin, so that nobody takes them for prose. */
export const OF_SECRETS: ReadonlySet<string> = new Set([
  'CREATE USER',
  'ALTER USER',
  'CREATE SERVER',
  'ALTER SERVER',
  'CHANGE MASTER',
  'CHANGE REPLICATION',
  'START SLAVE',
  'START REPLICA',
  'START GROUP_REPLICATION',
  'SET PASSWORD',
]);

/** First words of statements that can write rows, also behind EXPLAIN and WITH. */
export const WRITES_ROWS = wordSet('INSERT REPLACE UPDATE EXPLAIN DESCRIBE DESC ANALYZE WITH');

/** Types that a text can have: behind a name they declare a variable. */
export const TEXT_TYPE =
  /^(?:N?(?:VAR)?CHAR2?|NVARCHAR|VARBINARY|BINARY|RAW|CLOB|\w*TEXT|\w*BLOB)$/i;

/** Behind these an account's secret stands, or the name of a function. */
export const BEFORE_UNQUOTED = wordSet('AS USING REPLACE');

/** First words of statements that can be given a secret as an option. */
export const TAKES_OPTIONS = /^(?:CHANGE|START|CREATE|ALTER|SET|GRANT)$/;

/** What can follow `=` in the place of a literal without being a secret. */
export const NO_SECRET = wordSet('DEFAULT NULL ON OFF TRUE FALSE TO');

/** Names of what is no secret though it stands behind IDENTIFIED. */
export const DESCRIBES_CLIENT = wordSet('SUBJECT ISSUER CIPHER');
/** The same where something is defined; it is looked at for a password in it, as a table's is. */
export const DESCRIBES_ACCOUNT = wordSet('COMMENT ATTRIBUTE');

/** What can follow the name of a secret, or a secret, without being one, where options are given. */
export const BEHIND_OPTION = wordSet(
  'FOR DEFAULT_AUTH PLUGIN_DIR USER UNTIL WHERE COLLATE EXPIRE HISTORY REUSE REQUIRE AND OR',
);

/** What can follow a secret of an account. Anything else is taken for a piece of the secret. */
export const BEHIND_ACCOUNT = wordSet(
  `ACCOUNT ADD AND AS ATTRIBUTE BY CIPHER COMMENT CURRENT DATA DEFAULT DISCARD DROP FACTOR FAILED_LOGIN_ATTEMPTS
   FINISH IDENTIFIED INITIAL ISSUER MAX_CONNECTIONS_PER_HOUR MAX_QUERIES_PER_HOUR MAX_STATEMENT_TIME
   MAX_UPDATES_PER_HOUR MAX_USER_CONNECTIONS MODIFY NOT OLD OR PASSWORD PASSWORD_LOCK_TIME REGISTRATION
   REPLACE REQUIRE RETAIN ROLE SUBJECT TO USING VIA WITH END`,
);

/** Right behind these stands a secret, never the name of a user. */
export const BEFORE_SECRET = wordSet('BY AS USING (');

/** What SET PASSWORD is made of besides the user and the password. */
export const OF_SET_PASSWORD = wordSet(
  'FOR TO RANDOM REPLACE RETAIN CURRENT PASSWORD CURRENT_USER END',
);

/** Words before the name of an authentication plugin, and words behind one. */
export const BEFORE_PLUGIN = wordSet('WITH VIA OR');
export const BEHIND_PLUGIN = wordSet('BY AS USING INITIAL');

/** Plugins of the servers: behind these names nothing has to follow for them to be no password. */
export const PLUGIN =
  /^(?:caching_sha2_password|sha256_password|mysql_(?:native|old)_password|mysql_no_login|auth_socket|unix_socket|ed25519|parsec|pam|gssapi|named_pipe|authentication_(?:pam|windows|ldap_simple|ldap_sasl|kerberos|fido|webauthn|oci|openid_connect)|AWSAuthenticationPlugin)$/i;
