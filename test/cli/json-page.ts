/** A field: its path, its type, and what it says. */
type Field = readonly [path: string, type: string, meaning: string];

const CAPTURE_ROW: readonly Field[] = [
  ['id', 'number', ''],
  ['name', 'string', ''],
  ['start', 'time or null', 'when it started, by the server’s clock'],
  ['scheduledStart', 'time or null', 'when it was or will be due to start'],
  ['scheduledEnd', 'time or null', 'start (scheduled or real) plus duration'],
  ['end', 'time or null', 'the end of the window; null while it is open'],
  ['status', 'string', 'SCHEDULED, STARTED, STARTING, RUNNING, STOPPING, DONE or FAILED'],
  ['envId', 'number', 'id of its environment'],
  ['type', 'string', 'CAPTURE; REPLAY for a replay of one'],
  ['reason', 'string or null', 'why it FAILED, or ended other than by a stop'],
  ['environment', 'string', 'name of its environment'],
  ['owner', 'string', 'name of the user it belongs to'],
  ['duration', 'number or null', 'seconds requested; null: until it is stopped'],
  ['createdAt', 'time', ''],
  [
    'workload.records',
    'number',
    'records: rows of sessions from login to end; `workload` is null where nothing is recorded',
  ],
  ['workload.textBytes', 'number', 'bytes of its NDJSON before compression'],
  ['workload.fileBytes', 'number', 'bytes of the segments on disk'],
];

const OPTIONS: Field = [
  'options',
  'object or null',
  'what it records, as asked for: `includeUsers`, `excludeUsers`, `includeDatabases`, `excludeDatabases`, `includeHosts`, `only` (arrays), `sample`, `redact`, `maxSize`, `minFree`, `maxLog` (bytes), `maxLag`, `deadMan`, `warmUp` (seconds), `recycleUsers` (array; null: no session is ended); null on a metrics-only environment',
];

const TROUBLE: Field = [
  'trouble',
  'object or null',
  '`{since, reason}`: why its server cannot be read now; null if it can, and once it is over',
];

const REPLAYED: readonly Field[] = [
  [
    'replayed.sent',
    'number or null',
    'of a replay: records that the target did without an error; the three are null for a capture, and until the replay sends',
  ],
  ['replayed.skipped', 'number or null', 'records that are not sent'],
  ['replayed.failed', 'number or null', 'records that the target refused'],
];

const CAPTURE: readonly Field[] = [...CAPTURE_ROW, OPTIONS, TROUBLE, ...REPLAYED];

const VALUES: readonly Field[] = [
  [
    'executes',
    'number',
    'executes of prepared statements; `values` is null where an older version recorded',
  ],
  ['withoutValues', 'number', 'of those, recorded with `?` in the place of their values'],
  ['share', 'number or null', 'of executes with values, from 0 to 1; null where there are none'],
  ['users', 'array', '`{user, executes, withoutValues, share}`'],
  ['otherUsers', 'object', '`{executes, withoutValues}` of users beyond the first 50'],
  ['sessions', 'array', '`{session, user, host, executes, withoutValues, share}`'],
  ['otherSessions', 'object', '`{executes, withoutValues}` of sessions that are not listed'],
];

const OUTLOOK =
  '`logged` (`always`, or `when_prepared`: where a log was on when it was prepared), `coveredBy` (the log that covers new sessions: `general_log`, `slow_log`, or null), `sinceStart` (its configuration has it on), `uptime` (seconds), `prepared` (statements), `sessions`, `covered`, `users` (`{user, sessions, covered, longestIdle}`), `slowLog` (`{longerThan, withoutIndex, output, file}`)';

const DETAILS: readonly Field[] = [
  ...CAPTURE_ROW,
  ['workload.statements', 'number', 'records that are a statement to run: queries and executes'],
  ['workload.sessions', 'number', 'distinct sessions'],
  ['workload.byKind', 'object', 'records by kind: `{"query": 5, …}`'],
  ['workload.byFlag', 'object', 'records by flag'],
  ['workload.skipped', 'object', 'rows of the server’s log that were left out, by reason'],
  ['workload.leftOut.statements', 'number', 'of those rows, the statements to run'],
  ['workload.leftOut.sessions', 'number', 'sessions that a sample left out'],
  ...VALUES.map(([field, type, meaning]): Field => [`workload.values.${field}`, type, meaning]),
  ['workload.server', 'object or null', '`flavor`, `version`, `hostname`, `port`'],
  [
    'workload.gaps',
    'array',
    '`{from, to, cause, reason, afterSeq, missing}`: where statements may be missing; causes server_restarted, log_switched_off, log_table_changed, log_table_damaged, disk_full, not_logged, not_read; `afterSeq` is the record it lies behind; `missing` is null where unknown',
  ],
  ['workload.warnings', 'array', 'strings'],
  [
    'workload.deadManObstacle',
    'string or null',
    'why the server could not have switched its log off by itself; null if it could, or was not requested to',
  ],
  [
    'workload.recycled',
    'object or null',
    '`{since, ended, left, over, sessions}`: sessions from before that were ended; null if that was not requested',
  ],
  [
    'workload.imported',
    'object or null',
    '`{id, name, environment, owner, exportedAt, importedAt}`: the capture in the store that recorded it; null where this one did',
  ],
  ['workload.folder', 'string', 'folder of the files'],
  ['workload.files', 'array', '`{file, bytes}`, the manifest among them'],
  ['workload.diskBytes', 'number', 'bytes of all files'],
  [
    'warmUp',
    'object or null',
    '`{state, since, until, reason}` of the warm-up before its start; null where there is none yet',
  ],
  OPTIONS,
  TROUBLE,
  ...REPLAYED,
  [
    'metrics.fetchedAt',
    'time or null',
    'when CloudWatch was queried last; `metrics` is null if it is not',
  ],
  ['metrics.nextAt', 'time or null', 'when it is queried again'],
  ['metrics.failure', 'string or null', 'why the last attempt failed'],
];

const SPREAD = '`{count, averageMs, p50Ms, p95Ms, p99Ms, maxMs}`';

const RESULT: readonly Field[] = [
  [
    'ended',
    'object',
    '`{why}`: complete, interrupted, or target_lost and record_lost with a `message`',
  ],
  ['records', 'number', 'of the workload; `sent`, `skipped` and `failed` add up to it'],
  ['sent', 'number', 'done by the target without an error'],
  ['skipped', 'object', 'counts by reason: `docs/replay.md`'],
  ['failed', 'object', 'counts by the server’s number of the error'],
  [
    'statements',
    'object',
    '`{records, sent, skipped, failed}`: the same of queries and executes alone',
  ],
  ['tookMs', 'number', 'how long the replay took'],
  ['recordedMs', 'number', 'how long the part of the record is that was replayed'],
  [
    'lateMs',
    'object or null',
    `${SPREAD}: how much later than due statements were sent; null without a schedule`,
  ],
  ['latency', 'object or null', `${SPREAD} of all answers; null without one`],
  ['perSecond', 'number', 'statements a second, as replayed'],
  ['sessions', 'object', '`{recorded, opened, mostAtOnce, lost}`'],
  ['brokenOff', 'number', 'statements that had no answer in time'],
  ['deadlocks', 'number', ''],
  ['executes', 'object', '`{binary, text}`: how executes of prepared statements were sent'],
  ['errors', 'array', '`{code, count, message}`: what the server said the first time'],
  ['unlisted', 'number', 'statements of digests beyond the first 20,000'],
  ['checksums', 'array', '`{table, checksum}` of tables that were written; with `--checksums`'],
  ['warnings', 'array', 'strings'],
  ['divergence', 'array', 'strings: what may differ from what was recorded, and why'],
  [
    'rows',
    'array',
    '`{digest, text, db, class, recorded, sent, skipped, failed, count, averageMs, p50Ms, p95Ms, p99Ms, maxMs, rowsReturned, rowsChanged, recordedPerSecond, perSecond, totalMs, histogram, slices, errors}`: a digest each, most total time first',
  ],
];

const REPLAY: readonly Field[] = [
  ...CAPTURE,
  ['format', 'string', 'captures-replay'],
  ['formatVersion', 'number', '1'],
  ['replay.source', 'object', '`{captureId, captureName, environmentName, server}`'],
  [
    'replay.options',
    'object',
    '`speed` (null: as fast as it goes), `writes`, `sessions`, `serial`, `recordedTime`, `checksums`, `deadline` (seconds), `databases` (`{recorded, target}`), `users` (`{recorded, user, passwordFrom}`), `search`',
  ],
  [
    'replay.target',
    'object or null',
    '`{flavor, version, hostname, port}`; null until it was reached',
  ],
  [
    'replay.plan',
    'object or null',
    '`records`, `sent`, `skipped`, `failed`, `statements`, `sessions`, `sessionsAtOnce`, `from`, `to`, `length` (milliseconds; null without a schedule), `position`, `warnings`; null until the record was read',
  ],
  ['replay.progress', 'object or null', '`{records, sent, skipped, failed, open, lateMs}`'],
  ...RESULT.map(([field, type, meaning], index): Field => [
    `result.${field}`,
    type,
    index === 0 ? `${meaning}; \`result\` is null until the replay is over` : meaning,
  ]),
];

const IDENTITY: readonly Field[] = [
  ['user', 'string', 'name'],
  ['storeAdmin', 'boolean', 'an administrator of the store'],
  ['by', 'string', 'session or token'],
  ['expiresAt', 'time', ''],
  ['store', 'string or null', 'path of the store; null for that of a server'],
  ['readOnly', 'boolean', 'it can change nothing'],
  [
    'environments',
    'array or null',
    'names of the only environments it is for; null for all of its user',
  ],
  ['server', 'string or null', 'name of the server; null for the store of this machine'],
];

const SERVER: readonly Field[] = [
  ['name', 'string', '`local` for the store of this machine'],
  ['url', 'string or null', 'null for the store of this machine'],
  ['user', 'string or null', 'who is logged in there'],
  ['expiresAt', 'time or null', 'when the session ends'],
  ['current', 'boolean', 'commands use it'],
];

const ENVIRONMENT: readonly Field[] = [
  ['id', 'number', ''],
  ['name', 'string', ''],
  ['url', 'string or null', 'the server, without a password; null: metrics-only'],
  ['passwordFrom', 'string or null', 'where its password is: never the password'],
  ['sslMode', 'string or null', 'DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY'],
  ['sslCa', 'string or null', 'path of a PEM file'],
  ['serverPublicKey', 'string or null', "path of a PEM file with the server's RSA key"],
  ['region', 'string or null', 'AWS region'],
  ['instance', 'string or null', 'RDS instance'],
  ['profile', 'string or null', 'AWS profile'],
  ['endpointUrl', 'string or null', 'another address of CloudWatch'],
  ['role', 'string', 'your role: member or admin'],
  ['createdAt', 'time', ''],
];

const INSPECTION: readonly Field[] = [
  ['environment', 'string', 'name'],
  ['ready', 'boolean', 'always true: otherwise the command fails and stdout is empty'],
  ['server', 'object', '`flavor`, `version`, `hostname`, `port`, `uuid`'],
  ['account', 'string', 'the account that is logged in there'],
  ['settings', 'object', '`generalLog`, `logOutput`, `slowLog`, `tableEngine`'],
  [
    'logSwitch',
    'string',
    '`recorder`; `parameter-group` if only the server’s owner can switch the log (RDS)',
  ],
  [
    'recorderTable',
    'object or null',
    '`engine` of the recorder’s log table and `why`; null where it makes none (RDS), or the server allows none',
  ],
  ['privileges', 'array', '`{privilege, purpose, state, required, grant}`'],
  ['lockHolder', 'object or null', '`{connectionId, user, host, ours}`: who records there now'],
  ['schema', 'object', '`{state, storeId}`: the recorder’s own schema'],
  [
    'logTable',
    'string',
    'the server’s log table: `there`, `missing`, or `hidden` from this account',
  ],
  [
    'obstacles',
    'array',
    'why no capture could start, whatever privileges the account has: `{what, hint}`',
  ],
  [
    'leftovers',
    'object or null',
    '`{storeId, recorder, lastSign, tables, statements}`: what a recorder that is no longer running left there',
  ],
  [
    'deadManObstacle',
    'string or null',
    'why the server could not switch its log off by itself if the recorder never returned',
  ],
  ['values', 'object', OUTLOOK],
  ['warnings', 'array', 'strings'],
];

const WARM_UP: readonly Field[] = [
  ['environment', 'string', 'name'],
  ['state', 'string', '`on`, `waiting`, `off`, `not_needed`, or `not_possible` (RDS)'],
  [
    'coveredBy',
    'string or null',
    'the log that covers new sessions: `general_log`, `slow_log`; null: none',
  ],
  ['since', 'time or null', ''],
  ['until', 'time or null', ''],
  ['reason', 'string or null', 'why the last one ended'],
  ['sessions', 'number', 'that are there now'],
  ['covered', 'number', 'of those, whose prepared statements are recorded with values'],
  ['users', 'array', '`{user, sessions, covered}`'],
  ['slowLog', 'object', '`{longerThan, withoutIndex, output, file}`: what goes into it meanwhile'],
];

const RECOVERED: readonly Field[] = [
  ['environment', 'string', 'name'],
  ['server', 'string', '`host:port`, as the server calls itself'],
  ['recovered', 'boolean', 'false: there was nothing to restore'],
  ['endedCaptures', 'array', 'ids of the captures that came to their end by it'],
  [
    'settings',
    'object or null',
    'what its log is set to now: `generalLog`, `logOutput`, `slowLog`, `tableEngine`; null: nothing was changed',
  ],
  ['savedStatements', 'number', 'of a lost recorder, kept as a workload'],
  ['savedTo', 'string or null', 'the folder of that workload'],
  [
    'returnedStatements',
    'number or null',
    'of a lost recorder, returned to the owner’s log table; null: not counted',
  ],
  ['droppedStatements', 'number or null', 'of a lost recorder, dropped; null: not counted'],
  ['warnings', 'array', 'strings'],
];

/** Of an option, not of a command: test/cli/plan.test.ts holds what is printed to it. */
export const PLAN: readonly Field[] = [
  ['name', 'string', ''],
  ['environment', 'string', 'name'],
  ['status', 'string', 'the status that it would be stored with'],
  ['scheduledStart', 'time or null', ''],
  ['scheduledEnd', 'time or null', ''],
  ['duration', 'number or null', 'seconds'],
  ['ready', 'boolean', 'always true: otherwise the command fails and stdout is empty'],
  ['server', 'object or null', '`flavor`, `version`, `hostname`, `port`, `uuid`'],
  ['account', 'string or null', 'the account that is logged in there'],
  [
    'settings',
    'object or null',
    '`now` and `whileRecording`, each `generalLog`, `logOutput`, `slowLog`, `tableEngine`; `recorderTable`: `engine` and `why`, or null',
  ],
  ['privileges', 'array', '`{privilege, purpose, state, required, grant}`'],
  ['lockHolder', 'object or null', '`{connectionId, user, host, ours}`: who records there now'],
  ['others', 'array', '`{id, name, environment, status}`: captures there in the same time'],
  ['hiddenOthers', 'number', 'how many more in environments that you are not a member of'],
  [
    'deadMan',
    'object or null',
    '`after` (seconds; null for never), `obstacle` (why the server could not)',
  ],
  [
    'load',
    'object or null',
    'the load while it was watched: `seconds`, `statementsPerSecond`, `rowsPerSecond`, `statementBytes`, `preparedShare`',
  ],
  [
    'prepared',
    'object or null',
    '`values` of prepared statements are recorded `always` or `when-logged` (prepared while the log was on); `statements` prepared and `sessions` there now',
  ],
  [
    'values',
    'object or null',
    'as `env check` has it, and `executeShare` (of statements, from 0 to 1)',
  ],
  [
    'expected',
    'object or null',
    'bytes: `logBytes` (on the server at a time), `logBytesPerHour` (there without a recorder), `fileBytesPerHour`, `fileBytes` (in its duration); `ratio`, `fromEarlierCaptures`',
  ],
  ['disk', 'object or null', 'the disk here: `free`, `size`, `minFree` (bytes), `lasts` (seconds)'],
  ['limits', 'object', '`maxSize` (bytes), `untilMaxSize` (seconds)'],
  [
    'cost',
    'object or null',
    '`measuredOn` (a server and its machine), `isThisRelease`, `saturated` (by `load` the shares of its statements/s that a server with no CPU to spare keeps: `ownLog`, `log`, `recording`), `latency` (null where not measured), `note`',
  ],
  ['undo', 'array', 'SQL to restore the server by hand'],
  ['warnings', 'array', 'strings'],
];

const USER: readonly Field[] = [
  ['id', 'number', ''],
  ['name', 'string', ''],
  ['storeAdmin', 'boolean', 'an administrator of the store'],
  ['createdAt', 'time', ''],
];

const TOKEN: readonly Field[] = [
  ['id', 'number', ''],
  ['name', 'string', ''],
  ['createdAt', 'time', ''],
  ['expiresAt', 'time', ''],
  ['expired', 'boolean', ''],
  ['readOnly', 'boolean', 'it can change nothing'],
  [
    'environments',
    'array or null',
    'names of the only environments it is for; null for all of its user',
  ],
];

const MEMBER: readonly Field[] = [
  ['user', 'string', 'name'],
  ['role', 'string', 'member or admin'],
  ['environment', 'string', 'name'],
  ['envId', 'number', ''],
];

const SCHEDULE: readonly Field[] = [
  ['id', 'number', ''],
  ['name', 'string', ''],
  ['state', 'string', 'active, paused or over'],
  ['environment', 'string', 'name'],
  ['envId', 'number', ''],
  ['owner', 'string', 'name'],
  ['cron', 'string', ''],
  ['timezone', 'string', 'IANA time zone of the expression'],
  ['duration', 'number', 'seconds'],
  ['overlap', 'string', 'if the previous one still runs: skip or allow'],
  ['count', 'number or null', 'maximum number of runs'],
  ['until', 'time or null', ''],
  ['retain', 'number or null', 'seconds after which its captures are deleted'],
  ['next', 'time or null', ''],
  ['nextCapture', 'number or null', 'id of the capture made for it'],
  ['passed', 'number', 'runs that came due'],
  ['missed', 'number', 'runs missed because no daemon was running'],
  ['skipped', 'number', 'runs left out because of an overlap'],
  ['createdAt', 'time', ''],
  ['options', 'object', 'what its captures record, as `options` of a capture'],
  ['trouble', 'string or null', 'why the daemon paused it; null if nothing is wrong'],
];

const OCCURRENCE: readonly Field[] = [
  ['at', 'time', ''],
  ['local', 'string', 'the local time, with its offset'],
  ['timezone', 'string', ''],
];

const AUDIT: readonly Field[] = [
  ['id', 'number', ''],
  ['at', 'time', ''],
  ['user', 'string', 'a user; daemon or captures for what the program did by itself'],
  ['action', 'string', 'such as capture.stop'],
  ['subject.kind', 'string', 'capture, schedule, environment, user or token'],
  ['subject.id', 'number', ''],
  ['subject.name', 'string', 'as it was then'],
  ['envId', 'number or null', ''],
  ['details', 'object', 'what the action is about: `{"from": "RUNNING", "to": "DONE"}`'],
  ['reason', 'string or null', 'in the user’s words'],
  ['from.user', 'string', 'the operating system’s user'],
  ['from.host', 'string', ''],
  ['from.pid', 'number', ''],
  [
    'from.address',
    'string or null',
    'of who asked a server; null where the change was made on its machine',
  ],
];

const DAEMON: readonly Field[] = [
  [
    'alive',
    'boolean',
    'false if no daemon is running: the command then exits 8, and still prints the object',
  ],
  ['host', 'string or null', ''],
  ['pid', 'number or null', ''],
  ['since', 'time or null', ''],
  ['background', 'boolean or null', 'it exits when nothing is left to record'],
  [
    'recording',
    'array',
    '`{id, name, environment, status, records, statementsPerSecond, bytesPerSecond, lag}`',
  ],
  ['warmUps', 'array', '`{environment, state, until}`: those that are not over'],
  ['nextStarts', 'array', '`{id, name, environment, at}`'],
];

const METRIC: readonly Field[] = [
  ['label', 'string', 'as its source names it: `ReadIOPS`'],
  ['type', 'string', 'as the reference API names it: `READ IOPS`'],
  ['displayName', 'string', ''],
  ['dataPoints', 'array', '`{Timestamp, Maximum, Unit, …}`, ascending; other statistics follow'],
];

const AFFECTED = '`{records, sessions, isAll, examples}`, examples `{session, user, host}`';
const VERIFICATION: readonly Field[] = [
  ['capture', 'object or null', '`{id, name, environment}`; null for `--folder`'],
  ['folder', 'string', 'folder of the files'],
  ['verdict', 'string', 'whole, not_whole, damaged or recording'],
  ['whole', 'boolean', 'exit 0 when true, 8 when false'],
  ['line', 'string', 'the result in one sentence'],
  ['records', 'number', 'in the files'],
  ['statements', 'number', 'records that are a statement to run'],
  [
    'recorded',
    'number or null',
    'commands in the server’s log, recorded or left out as requested, counted as the server’s Questions; null when it is not known',
  ],
  [
    'received',
    'object or null',
    '`{min, max}`: how many the server received in the window by its own counters; null where they can’t be compared',
  ],
  ['missing', 'number or null', 'at least so many are missing; null when it is not known'],
  ['missingAtMost', 'number or null', 'and at most so many'],
  [
    'unparsed',
    'object or null',
    '`{min, max}`: texts that the server could not parse, and so did not log (MySQL); in none of the numbers above; null when it is not known',
  ],
  ['share', 'object or null', '`{min, max}`: recorded of received, at most 1'],
  ['values', 'object or null', 'as `workload.values` of `get`, counted in the files'],
  ['enoughValues', 'boolean', 'false if fewer executes have values than --min-values requires'],
  [
    'problems',
    'array',
    '`{kind, what, segment}`: why it is not whole; kinds damage, gap, not_logged, incomplete, failed',
  ],
  ['notes', 'array', 'strings: how exact the comparison is, or why there is none'],
  ['warnings', 'array', 'strings of the recorder'],
  ['gaps', 'array', '`{from, to, cause, reason, missing}`'],
  ['leftOut', 'object', 'rows left out by filters and samples, by reason'],
  ['flags', 'array', `\`{flag, …}\` with ${AFFECTED}`],
  ['sessions', 'number', 'distinct sessions'],
  ['unknownUser', 'object', `records of sessions whose user is not known: ${AFFECTED}`],
  ['transactionsAtStart', 'number', 'open when the window opened'],
  ['transactionsAtEnd', 'number or null', 'open when it closed'],
  [
    'times',
    'object',
    '`{first, last, backwards, longestBackMs, outside}`: records stamped more than a second before an earlier one, or outside the window',
  ],
  ['segments', 'array', '`{segment, file, records, bytes, sound}`'],
  ['seconds', 'number', 'how long it took'],
];

const NAMED = '`{name, count}`, most first, at most 16';
const REPORT: readonly Field[] = [
  ['format', 'string', '`captures-report`'],
  ['formatVersion', 'number', '2'],
  ['program', 'object', '`{name, version}`: what made it'],
  [
    'capture',
    'object',
    '`{id, name, environment, status, server}`; server `{flavor, version}` or null',
  ],
  [
    'window',
    'object',
    '`{from, to, seconds, isOpen}`: by the server’s clock, with microseconds; null where nothing was recorded',
  ],
  ['verdict', 'object', '`{verdict, whole, line, problems, notes}`, as `verify` has them'],
  [
    'gaps',
    'array',
    '`{from, to, cause, reason, after, before, afterSeq, missing}`: when statements may be missing',
  ],
  ['statements', 'number', 'queries and executes'],
  ['perSecond', 'number', 'in the window'],
  [
    'digests',
    'number',
    'different ones, by text and default database; there are more where `coverage.unlisted.digests` is not 0',
  ],
  [
    'coverage',
    'object',
    'what the numbers are of: `records` (`committed`, `read`), `values` and `times` (shares from 0 to 1, or null), `timesMs` (of all that is timed, or null), `timesAbsence` (`{why, from, to}`: `off`, `not_permitted`, `not_supported`, `failed`, `not_recorded`, `restarted`, `truncated`, `full`, `not_counted`, `between_readings`; null for all of the time), `unmeasured` (executes of prepared statements that the server does not measure), `isFiltered`, `filters`, `sample`, `isRedacted`, `leftOut` (rows), `unlisted` (`{digests, databases, users, hosts, sessions}`: statements of those that are too many to be told apart; 0 where each is)',
  ],
  [
    'sessions',
    'object',
    '`{seen, opened, closed}`: that sent statements, logged in and ended, of which the last two need not have sent any; more were seen where `coverage.unlisted.sessions` is not 0',
  ],
  [
    'byClass',
    'array',
    '`{name, count}`: reads, writes, ddl, transactions, settings; null for what is none of these',
  ],
  ['byFlag', 'object', 'statements with each flag'],
  ['users', 'array', `of all statements: ${NAMED}`],
  ['hosts', 'array', 'the same'],
  ['dbs', 'array', 'the same, by default database'],
  [
    'tables',
    'array',
    'the same, `{name, count, reads, writes}`; one statement may be in several. Without the statements of `coverage.unlisted.digests`',
  ],
  ['axis', 'object', '`{from, width, count}`: slices of the time, in milliseconds since the epoch'],
  ['slices', 'array', 'statements in each slice'],
  ['by', 'string', 'digest, table, user, host, db, class or session'],
  ['sort', 'string', 'what the rows are ordered by'],
  [
    'rows',
    'array',
    '`{name, digest, text, db, class, count, share, perSecond, first, last, users, hosts, tables, digests, example, withoutValues, times, slices, opened, closed}`; what a dimension does not have is null or empty. `example`: `{seq, time, session, user, sql, isCut, flags}`; `times`: `{count, totalMs, averageMs, rowsSent, rowsExamined, errors, sharedBy}`, null where the server did not measure any. CSV and TSV have a row each, with the text of the example alone and without slices',
  ],
  ['otherRows', 'object', '`{rows, statements}` that `--limit` left out'],
  [
    'unlisted',
    'object',
    '`{count, share, perSecond, slices}` of the statements that no row can be made of, because there are too many different ones; by table of those whose tables are not known. null where there are none',
  ],
];

const COMMON = '`{factor, rows, together, isChange, names}`';
const COMPARISON: readonly Field[] = [
  ['format', 'string', '`captures-diff`'],
  ['formatVersion', 'number', '1'],
  ['program', 'object', '`{name, version}`: what made it'],
  ['a', 'object', 'the report of A, without `rows` and `otherRows`'],
  ['b', 'object', 'the same of B'],
  ['by', 'string', 'what the rows are: digest, table, user, host, db or class'],
  ['threshold', 'number', 'the least change that counts: 0.2 is 20 %'],
  ['per', 'object or null', '`{a, b}`: the tests of `--per`; null for rates'],
  ['change', 'number or null', 'all statements, B ÷ A: per second, or per test'],
  [
    'common',
    'object',
    `${COMMON}: B ÷ A of what the rows have in common (1 where they did not change together), the rows it is made of and those of them that changed by it, at most five of them by name; every row is judged beside it`,
  ],
  ['commonTime', 'object or null', 'the same of average times; null where there are none'],
  [
    'new',
    'array',
    'rows of B alone: `{name, digest, text, db, class, users, tables, example, a, b, change, judged, interval, mayBeChance, together}`; `a` and `b` are rows of `report`, or null; `change` is B ÷ A, `judged` the same beside the rows that it goes up and down with (as `change` where there are none), `interval` where `change` lies in 95 of 100 pairs (`[low, high]` or null); `mayBeChance`: so few statements that A may have missed them; `together`: it changed as the others did, by `common`',
  ],
  ['gone', 'array', 'rows of A alone'],
  ['more', 'array', 'rows that are more frequent in B, the largest difference first'],
  ['fewer', 'array', 'rows that are less frequent in B'],
  ['slower', 'array', 'rows whose average time is longer in B; `change` is that of the time'],
  ['faster', 'array', 'rows whose average time is shorter in B'],
  ['unjudged', 'object', '`{rows, statements}` of which nothing can be said'],
  ['unchanged', 'number', 'rows'],
  [
    'unchangedRows',
    'array',
    'these rows; `change` and `interval` say how well that is known, and `together` which of them changed as the others did',
  ],
  ['cautions', 'array', 'strings: what to know before the rest'],
];

const STATEMENT: readonly Field[] = [
  ['seq', 'number', 'from 1, contiguous'],
  ['time', 'time', 'with microseconds'],
  ['session', 'number', ''],
  ['user', 'string or null', ''],
  ['host', 'string or null', ''],
  ['db', 'string or null', ''],
  [
    'kind',
    'string',
    'connect, init_db, change_user, query, prepare, execute, close, quit or other',
  ],
  ['sql', 'string', ''],
  ['bytes', 'string, when it applies', 'base64 of text that is not valid UTF-8'],
  ['flags', 'array, when it applies', 'lossy, unreplayable, partial, redacted, echo'],
];

export interface Documented {
  readonly shape: 'an object' | 'an array' | 'an object a line (NDJSON)';
  readonly fields: readonly Field[];
  /** What else is to be said of the command. */
  readonly note?: string;
}

const EXPORTED: readonly Field[] = [
  ['capture', 'number', 'its id'],
  ['name', 'string', ''],
  ['environment', 'string', 'name of its environment'],
  ['file', 'string', 'its path'],
  ['format', 'string', 'archive, ndjson, sql, csv, general-log or parquet'],
  ['bytes', 'number', ''],
];

const one = (fields: readonly Field[], note?: string): Documented => ({
  shape: 'an object',
  fields,
  ...(note === undefined ? {} : { note }),
});
const many = (fields: readonly Field[], note?: string): Documented => ({
  shape: 'an array',
  fields,
  ...(note === undefined ? {} : { note }),
});

const WATCHED =
  'with `--watch`, an object a line, with `live` (`elapsed`, `remaining`, `statementsPerSecond`, `bytesPerSecond`, `lag`) behind the other fields';

/** Every command with what it prints with --json. */
export const DOCUMENTED: Readonly<Record<string, Documented>> = {
  init: one(IDENTITY),
  login: one(IDENTITY),
  logout: one([['loggedOut', 'boolean', 'false if no user was logged in']]),
  whoami: one(IDENTITY),
  'server list': many(SERVER),
  'server use': one(SERVER),
  'server remove': one(SERVER, 'the server as it was'),
  doctor: many(
    [
      ['check', 'string', 'what was checked: `store`, `session`, … or `environment NAME`'],
      ['status', 'string', '`ok`, `warn` or `fail`'],
      ['detail', 'string', 'what was found'],
      ['fix', 'string or null', 'how to fix it'],
    ],
    'also printed if something failed; the exit status is that of the first failure',
  ),
  'env create': one(ENVIRONMENT),
  'env list': many(ENVIRONMENT),
  'env get': one(ENVIRONMENT),
  'env edit': one(ENVIRONMENT),
  'env delete': one(ENVIRONMENT, 'the environment as it was'),
  'env check': one(INSPECTION),
  'env warm-up': one(WARM_UP),
  'user create': one(USER),
  'user list': many(USER),
  'user delete': one(
    [...USER, ['handedOn', 'array', '`{to, captures}`: who has the captures now']],
    'the user as they were',
  ),
  'user passwd': one(USER),
  'token create': one([...TOKEN, ['token', 'string', 'the secret, shown this once']]),
  'token list': many(TOKEN),
  'token revoke': one(TOKEN, 'the token as it was'),
  'member add': one(MEMBER),
  'member list': many(MEMBER),
  'member set': one(MEMBER),
  'member remove': one(MEMBER, 'the member as they were'),
  create: one(
    CAPTURE,
    'with `--wait`, an object a line while it waits, the last one as it ended; with `-- COMMAND` stdout is the command’s',
  ),
  list: many(CAPTURE, WATCHED),
  get: one(DETAILS, WATCHED),
  stop: one(CAPTURE),
  edit: one(CAPTURE),
  delete: many(CAPTURE, 'those that were deleted, as they were'),
  'schedule create': one(SCHEDULE),
  'schedule list': many(SCHEDULE),
  'schedule get': one(SCHEDULE),
  'schedule next': many(OCCURRENCE),
  'schedule edit': one(SCHEDULE),
  'schedule pause': one(SCHEDULE),
  'schedule resume': one(SCHEDULE),
  'schedule delete': one(SCHEDULE, 'the schedule as it was'),
  prune: many(
    CAPTURE,
    'those that were deleted, or with `--dry-run` would be; with `--orphans` workloads: `{id, bytes, folder}`',
  ),
  log: many(
    AUDIT,
    'with `--calls` requests to a server: `{id, at, user, address, method, path, status, ms}`, `user` null for one that nobody proved to be',
  ),
  metrics: many(METRIC),
  verify: one(VERIFICATION),
  export: one(EXPORTED, 'of an export to a file'),
  import: one(CAPTURE),
  report: one(REPORT),
  replay: one(
    REPLAY,
    'also `captures get` and `captures report` of a replay; CSV and TSV of `report` have a row each. With `--dry-run`: `{plan, source, options, target}`',
  ),
  workload: many(STATEMENT, 'without `--json`, and with `--follow`, an object a line (NDJSON)'),
  diff: one(
    COMPARISON,
    'CSV and TSV have a row each, with `kind` (new, gone, more …; with `--all` also together and unchanged). With `--fail-on` the exit status may be 8; the object is printed all the same. Of two replays it is [another one](diff.md#json-of-two-replays)',
  ),
  daemon: one(DAEMON, 'with `--status`'),
  recover: many(RECOVERED, 'an object a server'),
};

/** The text of docs/json.md. */
export function jsonPage(): string {
  return `# JSON

What every command prints with \`--json\` (or \`-o json\`, or \`CAPTURES_OUTPUT=json\`). \`test/cli/json.test.ts\`
runs every command and checks this page; to write it again:
\`UPDATE_DOCS=1 npx vitest run test/cli/json.test.ts\`

- All fields are always there, in this order; what does not apply is null. New fields may follow these, and
  none is removed.
- A time is ISO-8601, UTC, with milliseconds: \`"2026-11-22T01:00:00.000Z"\`.
- A dot means an object in another: \`workload.records\` is \`{"workload": {"records": …}}\`. \`--fields\` takes the
  same paths, and \`workload\` for all of its fields; \`csv\` and \`tsv\` have a column for each.
- A list is an array, \`[]\` when there is nothing.

A failure leaves stdout empty and puts one object on stderr, and nothing else:
\`{"code": 404, "message": "Capture not found", "hint": "…"}\`, \`hint\` only if there is one. \`code\` is that of
\`captures help exit-codes\`.

${sections().join('\n\n')}

${planSection()}
`;
}

function planSection(): string {
  const rows = PLAN.map(([path, type, meaning]) => `| \`${path}\` | ${type} | ${meaning} |`);
  return `## create --plan\n\n- \`captures create --plan\`: an object\n\n| field | type | |\n| --- | --- | --- |\n${rows.join('\n')}`;
}

/** Commands with the same fields share a table. */
function sections(): string[] {
  const groups = new Map<readonly Field[], [string, Documented][]>();
  for (const entry of Object.entries(DOCUMENTED)) {
    groups.set(entry[1].fields, [...(groups.get(entry[1].fields) ?? []), entry]);
  }
  return [...groups].map(([fields, commands]) => {
    const names = commands.map(([name]) => name);
    const lines = commands.map(
      ([name, { shape, note }]) =>
        `- \`captures ${name}\`: ${shape}${note === undefined ? '' : `; ${note}`}`,
    );
    const rows = fields.map(([path, type, meaning]) => `| \`${path}\` | ${type} | ${meaning} |`);
    return `## ${names.join(', ')}\n\n${lines.join('\n')}\n\n| field | type | |\n| --- | --- | --- |\n${rows.join('\n')}`;
  });
}
