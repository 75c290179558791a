import { API_CODES, type ErrorCode } from '../../core/errors.ts';
import { EXIT_STATUS } from '../runtime/exit-status.ts';
import { GLOBAL_OPTIONS } from '../input/global-options.ts';
import type { HelpTopic } from './topic-names.ts';
import { HELP_OPTION, VERSION_OPTION } from './root-help.ts';
import { planNoun } from '../render/plan.ts';

const MEANINGS: Record<ErrorCode, string> = {
  internal: 'the output cannot be written; or a bug (see where with --debug)',
  invalid: 'wrong usage or invalid input',
  not_found: 'not found',
  unauthenticated: 'not logged in',
  forbidden: 'not permitted',
  conflict: 'in conflict with what is there',
  declined: 'declined at a prompt',
  capture_failed: 'the capture FAILED, a wait timed out, or verify found it not whole',
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

"code" stands in the JSON that a failure puts on stderr with --json:
{"code":404,"message":"Capture not found"}

captures create NAME -- COMMAND exits with the status of the command, and with
127 when it cannot be started.

A reader that goes away (captures list | head) is no failure. Output that cannot
be written is one (status 1): a full disk, or a stdout that is closed (>&-).
`;
}

function optionsOfAll(): string {
  const rows = [...GLOBAL_OPTIONS, HELP_OPTION].map(
    ([flags, description]) => `  ${flags.padEnd(21)}${description}`,
  );
  return `Every command takes these, before or after its name:
${rows.join('\n')}

-o, --json, --fields and --no-headers choose the form of data (captures help
output). A command that prints none refuses them and says what to use. The others
hold everywhere: without notes, colours, questions or local times they change
nothing.

captures alone takes ${VERSION_OPTION[0]} as well: ${VERSION_OPTION[1]}.
`;
}

/** What `captures help TOPIC` prints. */
export const HELP_TOPICS: Readonly<Record<HelpTopic, string>> = {
  options: optionsOfAll(),
  'exit-codes': exitCodes(),
  environment: `CAPTURES_HOME      folder of the store and the session
                   (else $XDG_DATA_HOME/captures and $XDG_CONFIG_HOME/captures)
CAPTURES_TOKEN     a token; wins over the session
CAPTURES_OUTPUT    default of --output
COLUMNS            width of tables where stdout is no terminal
NO_COLOR           no colours
FORCE_COLOR        colours everywhere; so does CLICOLOR_FORCE
CI                 never ask anything
TZ                 time zone of times, unless --timezone is given

config.json, where the session lies (captures whoami), has your own defaults;
options and variables win over them. Every setting may be left out:
  {"output": "table", "color": "never", "timezone": "Europe/Berlin"}
`,
  time: `Times are read in --timezone, or in the system's time zone:
  2026-11-22 02:00        2026-11-22T02:00:00        2026-11-22
  today 14:00             tomorrow 02:00             yesterday 23:30
  now                     +15m                       -2h
With an offset they mean the same everywhere:
  2026-11-22T02:00:00Z    2026-11-22T02:00+01:00
What was understood is said on stderr, with its offset. A time that the clocks
skip or show twice in that zone is refused, with both readings to choose from.

Durations are seconds, or parts from the largest to the smallest:
  90     15m     1h30m     1d     1w
`,
  filters: `A capture records every statement that the server receives, unless it is told:
  --include-user, --exclude-user   users, by case, as the server has them
  --include-host                   clients' hosts or addresses: 10.0.*
  --include-db, --exclude-db       default databases of the sessions
  --only reads|writes|ddl          what the statement does
  --sample 1/N                     one session of N, for its whole life
Patterns have * (anything) and ? (one character); the options may be repeated.
An exclude wins over an include. An unknown name matches no pattern.

A statement is in its session's default database, whatever tables it names. A
USE that enters a database to record is kept, and so are the rows of the session
itself (connect, change_user, init_db, quit): what is recorded can be run again.

reads   SELECT, SHOW, EXPLAIN, DESCRIBE, TABLE, VALUES, HANDLER, DO, CHECKSUM
writes  INSERT, UPDATE, DELETE, REPLACE, LOAD, CALL, and BEGIN, COMMIT, XA, LOCK
ddl     CREATE, ALTER, DROP, RENAME, TRUNCATE, GRANT, REVOKE, SET PASSWORD
USE and SET of a session go with each, FLUSH, KILL and SET GLOBAL with none. A
text of several statements is of each one's class, EXECUTE of its PREPARE's.

What is left out is counted, each row under the first reason of user, host,
sample, database, class: captures get C shows it, and the manifest has it.
`,
  guards: `A guard ends a capture DONE, with what it recorded until then. Its reason says
which guard it was and when, and so do the log of changes and the daemon's log.
  --max-size SIZE    the capture's files hold so much; none by default
  --min-free SIZE    so little is free on the disk here; 256 MiB by default, or
                     a twentieth of a smaller disk
  --max-log SIZE     the log's tables on the server hold so much; 4 GiB
  --max-lag D        the record is so far behind the server; 10 min. Time
                     without a daemon does not count: the next one catches up

They are looked at after every drain, twice a second, and while a backlog is
read. The record ends where the log is cut next: what was received until then is
in it, so that --max-size can be passed by what was on its way.

  --dead-man D       the server itself ends its log when the recorder was not
                     heard of for so long; 1h, none for never. Several captures
                     on one server: the shortest counts. It takes the server's
                     event scheduler (SET GLOBAL event_scheduler = ON) and the
                     privilege EVENT on captures.*; env check says if they lack.
                     The record goes on with the next daemon, and lists the gap.
`,
  values: `MySQL logs the values of every execution of a prepared statement. MariaDB
decides when a statement is prepared: with values where the general log was on
then, or the slow log of that session. What a pool prepared before a capture is
recorded with ? in the place of its values for as long as the session lives.
Such a record can be counted and reported on, and not replayed.

How much that is: captures verify C (its last line), captures get C, and before
anything is recorded captures create NAME --env E --plan. For scripts:
  captures verify C --min-values 95   exits 8 where fewer than 95 % have them

What helps, and what it costs:
  captures env warm-up E --for 1h
  captures create ... --at T --warm-up 1h
      Sessions that come in that time have their slow log on. Costs next to
      nothing, and helps as far as the pools replace their sessions meanwhile.
  captures create ... --recycle-sessions [--recycle-user P]
      Ends the idle sessions of before when the log is on, a few a second, so
      that their pools connect anew. An application sees one error on a stale
      connection where its pool does not check.
  A restart of the application while the log, or a warm-up, is on.

A warm-up is SET GLOBAL slow_query_log = ON; long_query_time and log_output
stay, so the slow log gets slow statements alone. It is undone when its time is
up and when a capture starts, and after a crash as the general log is. Where the
slow log is on already nothing is changed. env check E says whether sessions
that come from now on are covered, env warm-up E how many of those there are. A
session that is reset after a warm-up and before a capture is not covered any
more.

Never ended are sessions that are at work, have an open transaction, hold a lock
(LOCK TABLES, GET_LOCK) or made a temporary table while recorded, and those of
the server itself, of replication and of captures. Who holds a lock the server
says through its plugin metadata_lock_info, which is installed for that time; it
takes INSERT and DELETE on mysql.plugin, and ending sessions CONNECTION ADMIN
(up to MariaDB 10.11 SUPER has it).
`,
  plan: `captures create NAME --env E ... --plan says what the same command without
--plan would do. It stores nothing and changes nothing on the server: it sends
SELECT and SHOW, and looks at the server's counters for 2.5 s. Its exit status
is that of create. With --json a refusal leaves stdout empty, as everywhere.

It shows the log's settings now and while recording, privileges with the GRANT
of those that are missing, who else records there, whether there can be a
dead-man switch, the statements to expect and the room they take there and here,
how long the disk lasts, what it costs the server, and what undoes it by hand.

Filters are not reckoned with: nobody knows what they leave. --sample is. Sizes
are those of earlier captures of the environment where there are any.

JSON fields: ${planNoun.fields.join(', ')}
`,
  output: `-o, --output MODE
  table   for people; the default on a terminal
  tsv     tab-separated, untruncated, with a header; the default elsewhere. Tab,
          line feed, carriage return and backslash are \\t, \\n, \\r and \\\\
  csv     as RFC 4180 has it: line ends stand in quotes as they are
  json    the same as --json: an object, or an array for a list
  yaml
  name    one reference a line that every command accepts
--fields a,b     only these fields, in this order (every mode)
--no-headers     no header line
A field may be a path, such as workload.records; workload stands for all of its
fields. Times are UTC with milliseconds, except in tables. null is empty in CSV
and TSV, and an empty text is "" in CSV. On a terminal what that would obey is
escaped in every mode. Data goes to stdout,
everything else to stderr. A failure with --json leaves stdout empty and puts
one object on stderr.
`,
};
