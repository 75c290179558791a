import { API_CODES, type ErrorCode } from '../../core/errors.ts';
import { EXIT_STATUS } from '../runtime/exit-status.ts';
import { GLOBAL_OPTIONS } from '../input/global-options.ts';
import type { HelpTopic } from './topic-names.ts';
import { HELP_OPTION, VERSION_OPTION } from './root-help.ts';
import { planNoun } from '../render/plan-json.ts';

const MEANINGS: Record<ErrorCode, string> = {
  internal: 'the output cannot be written; or a bug (see where with --debug)',
  invalid: 'wrong usage or invalid input',
  not_found: 'not found',
  unauthenticated: 'not logged in',
  forbidden: 'not permitted',
  conflict: 'in conflict with the present state',
  declined: 'declined at a prompt',
  capture_failed: 'a capture or replay FAILED, a wait timed out, verify or diff failed',
  remote_failed: 'a database, CloudWatch or another remote failed',
  store_unusable: 'the store or the configuration cannot be used',
};

function exitCodes(): string {
  const rows = (Object.keys(EXIT_STATUS) as ErrorCode[])
    .sort((a, b) => EXIT_STATUS[a] - EXIT_STATUS[b])
    .map(
      (code) => `${String(EXIT_STATUS[code]).padStart(4)}  ${API_CODES[code]}   ${MEANINGS[code]}`,
    );
  return `exit  code  meaning
   0        success
${rows.join('\n')}
 129        ended by SIGHUP
 130        ended by SIGINT (Ctrl-C)
 143        ended by SIGTERM

"code" is in the JSON object that a failure prints to stderr with --json:
{"code":404,"message":"Capture not found"}

captures create NAME -- COMMAND exits with the status of the command, and with
127 when it cannot be found or started, 126 when it may not be run.

A reader that stops early (captures list | head) is not a failure. Output that
cannot be written is (status 1): a full disk, or a closed stdout (>&-).
`;
}

function optionsOfAll(): string {
  const rows = [...GLOBAL_OPTIONS, HELP_OPTION].map(
    ([flags, description]) => `  ${flags.padEnd(21)}${description}`,
  );
  return `Every command takes these, before or after its name:
${rows.join('\n')}

-o, --json, --fields and --no-headers choose how data is printed (captures help
output); a command that prints no data refuses them and says what to use. The
others work everywhere.

captures alone also takes ${VERSION_OPTION[0]}: ${VERSION_OPTION[1]}.
`;
}

/** What `captures help TOPIC` prints. */
export const HELP_TOPICS: Readonly<Record<HelpTopic, string>> = {
  options: optionsOfAll(),
  'exit-codes': exitCodes(),
  variables: `CAPTURES_HOME      folder of the store and the session
                   (else $XDG_DATA_HOME/captures and $XDG_CONFIG_HOME/captures)
CAPTURES_TOKEN     a token; used instead of the session
CAPTURES_SERVER    the server to use, by name or URL; local for the store of
                   this machine (else that of captures server use)
CAPTURES_OUTPUT    default of --output
COLUMNS            width of tables where stdout is no terminal
NO_COLOR           no colours
FORCE_COLOR        colours everywhere; so does CLICOLOR_FORCE
CI                 never prompt
TZ                 time zone of times, unless --timezone is given

config.json, in the folder of the session (captures whoami), holds your defaults;
options and variables override them. Every setting is optional:
  {"output": "table", "color": "never", "timezone": "Europe/Berlin"}
`,
  time: `Times are read in --timezone, or in the system's time zone:
  2026-11-22 02:00        2026-11-22T02:00:00        2026-11-22
  today 14:00             tomorrow 02:00             yesterday 23:30
  now                     +15m                       -2h
Options that look back (--since, --until, --from, --to) also take 14:00 alone:
the last time that it was 14:00.
With an offset they mean the same everywhere:
  2026-11-22T02:00:00Z    2026-11-22T02:00+01:00
captures prints on stderr how it read the time, with its offset. It refuses a
time that the clocks skip or show twice in that zone, and offers both readings.

Durations are seconds, or parts from the largest to the smallest:
  90     15m     1h30m     1d     1w
`,
  filters: `A capture records every statement that the server receives, unless filtered:
  --include-user, --exclude-user   names of users, case-sensitive
  --include-host                   clients' hosts or addresses: 10.0.*
  --include-db, --exclude-db       default databases of the sessions
  --only reads|writes|ddl          what the statement does
  --sample 1/N                     one session in N, from its start to its end
Patterns have * (anything) and ? (one character); the options may be repeated.
An exclude wins over an include. A name that is not known matches no pattern.

Databases are matched by the session's default database, not by the tables that
a statement names. A USE that enters a recorded database is kept, and so are the
rows of the session itself (connect, change_user, init_db, quit), so that the
record can be replayed.

reads   SELECT, SHOW, EXPLAIN, DESCRIBE, TABLE, VALUES, HANDLER, DO, CHECKSUM
writes  INSERT, UPDATE, DELETE, REPLACE, LOAD, CALL, and BEGIN, COMMIT, XA, LOCK
ddl     CREATE, ALTER, DROP, RENAME, TRUNCATE, GRANT, REVOKE, SET PASSWORD
USE and SET of a session belong to every class, FLUSH, KILL and SET GLOBAL to
none. A text of several statements has the class of each, EXECUTE that of its
PREPARE.

Rows left out are counted by the first reason that applies (user, host, sample,
database, class): captures get C and the manifest show them.
`,
  guards: `A guard ends a capture early: it is DONE and keeps what it recorded. Its reason
says which guard it was and when; so do captures log and the daemon's log.
  --max-size SIZE    stop when the capture's files reach SIZE; default: no limit
  --min-free SIZE    stop when free disk here falls below SIZE; 256 MiB by
                     default, or a twentieth of a smaller disk
  --max-log SIZE     stop when the log's tables on the server reach SIZE; 4 GiB
  --max-lag D        stop when the record is D behind the server; 10 min. Time
                     without a daemon does not count: the next one catches up

Guards are checked twice a second, and while a backlog is read. The capture
keeps what the server has received until then, so its files can exceed
--max-size by what was still to be read.

  --dead-man D       the server switches its log off by itself when the recorder
                     is silent for D; 1h by default, none for never. Of several
                     captures on one server the shortest counts. Needs the
                     event scheduler (SET GLOBAL event_scheduler = ON) and the
                     privilege EVENT on captures.*; env check says which is
                     missing. The next daemon resumes the record and lists the
                     gap.
`,
  values: `MySQL logs the values of every execution of a prepared statement. MariaDB
decides when a statement is prepared: it logs values if the general log, or the
slow log of that session, was on at that time. What a pool prepared before a
capture is recorded with ? instead of values for as long as the session lives.
Such a record can be counted and reported on, but not replayed.

To see how many: captures verify C (its end), captures get C, and, before
recording, captures create NAME --env E --plan. In scripts:
  captures verify C --min-values 95   exits 8 if fewer than 95 % have values

What helps, and what it costs:
  captures env warm-up E --for 1h
  captures create ... --at T --warm-up 1h
      Sessions that connect in that time have their slow log on. Costs almost
      nothing; helps if the pools replace their sessions in that time.
  captures create ... --recycle-sessions [--recycle-user P]
      Once the log is on, ends idle sessions from before, a few a second, so
      that their pools reconnect. An application whose pool does not check its
      connections sees one error for each.
  A restart of the application while the log, or a warm-up, is on.

A warm-up sets slow_query_log = ON globally; long_query_time and log_output
stay, so the slow log gets only slow statements. It ends when its time is up or
a capture starts; after a crash it is undone like the general log. If the slow
log is already on, nothing changes. env check E says whether new sessions are
covered, env warm-up E how many of the present ones are. A session that is reset
between a warm-up and a capture is no longer covered.

captures never ends a session that is running a statement, has an open
transaction, holds a lock (LOCK TABLES, GET_LOCK) or made a temporary table while
recorded, nor those of the server itself, of replication and of captures. To see
locks it installs the plugin metadata_lock_info meanwhile, which needs INSERT and
DELETE on mysql.plugin. Ending sessions needs CONNECTION ADMIN (up to MariaDB 10.11 SUPER
includes it).
`,
  plan: `captures create NAME --env E ... --plan says what the same command without
--plan would do. It stores nothing and changes nothing on the server: it sends
SELECT and SHOW, and watches the server's counters for 2.5 s. Its exit status
is that of create. With --json a refusal leaves stdout empty, as everywhere.

It shows the log's settings now and while recording, privileges with the GRANT
of those that are missing, who else records there, whether there can be a
dead-man switch, the statements to expect and the room they take there and here,
how long the disk lasts, what it costs the server, and how to undo it by hand.

The forecast ignores filters, except --sample. Sizes are based on earlier
captures of the environment, if there are any.

JSON fields: ${planNoun.fields.join(', ')}
`,
  replays: `captures replay C --to E sends what a capture recorded to another server, each
recorded session on a connection of its own. To compare two versions, replay on
both, and compare the replays: a record has no results and no latencies.

  captures replay friday --to copy --dry-run   what would be sent, and how long
  captures replay friday --to copy             it takes; then the replay
  captures list --type replay
  captures report "friday on copy"             by digest: errors, rows, latency
  captures diff "friday on a" "friday on b" --fail-on slower,errors

It is read-only; --writes sends what changes data, too. The server that was
recorded, or any that was recorded, is a target only if its name is typed.

Every record is sent, skipped or failed, and the three add up. Skipped are:
  echo, filtered, refused_login   no statement of its own, or not asked for
  cut_short, redacted,            the record does not have all of it
  without_values                  (see captures help values)
  half_transaction                begun before the record, or ended behind it
  recorder, accounts, server,     never sent: they would change more than data,
  files, unseen                   or run SQL that the record does not show
  writes                          may change data, without --writes
  other_command                   a command without a text
  transaction_lost, session_lost  the target ended what it belongs to
  target_lost, interrupted        the replay ended before it
`,
  output: `-o, --output MODE
  table   for reading; the default on a terminal
  tsv     tab-separated, untruncated, with a header; the default elsewhere. Tab,
          line feed, carriage return and backslash are \\t, \\n, \\r and \\\\
  csv     RFC 4180: line ends are kept, in quotes
  json    the same as --json: an object, or an array for a list
  yaml
  name    one reference a line, which every command accepts
--fields a,b     only these fields, in this order (every mode)
--no-headers     no header line
A field may be a path, such as workload.records; workload stands for all of its
fields. Times are UTC with milliseconds, except in tables. null is empty in CSV
and TSV, and an empty text is "" in CSV. On a terminal, control characters are
escaped in every mode. Data goes to stdout, everything else to stderr. A failure
with --json leaves stdout empty and prints one object to stderr.
`,
};
