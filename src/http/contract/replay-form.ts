import * as z from 'zod/mini';
import { REPLAY_REPORT_FORMAT, REPLAY_REPORT_VERSION } from '../../core/replays/replay-report.ts';
import { DEFAULT_REPLAY, type ReplayRequest } from '../../core/replays/replay-request.ts';
import type {
  Replay,
  ReplayEvent,
  ReplayOptions,
  ReplayPlan,
  ReplayProgress,
  ReplayResult,
  ReplaySource,
  StoredReplay,
} from '../../core/replays/replay.ts';
import { EVERY_STATEMENT } from '../../core/workloads/statement-search.ts';
import { STATEMENT_KINDS } from '../../core/workloads/statements.ts';
import { capture, captureOf, captureOnWire, onWire } from './capture-form.ts';
import { documented, formOf, instant, orNull, plain, seconds, type Form } from './wire.ts';

const texts = z.array(z.string());

const searchOnWire = z.object({
  texts: documented(z.clone(texts), { description: 'Texts that stand in the statement' }),
  matchesCase: documented(z.boolean(), {
    description: 'Whether texts without capital letters are found only as they are',
  }),
  users: documented(z.clone(texts), { description: 'Users; patterns have `*` and `?`' }),
  hosts: documented(z.clone(texts), { description: 'Hosts; patterns have `*` and `?`' }),
  databases: documented(z.clone(texts), {
    description: 'What is replayed of: default databases. In `options`: databases by another name',
  }),
  sessions: documented(z.array(z.int()), { description: 'Connections of the recorded server' }),
  kinds: documented(z.array(z.enum(STATEMENT_KINDS)), { description: 'Kinds of records' }),
  digests: documented(z.clone(texts), { description: 'Digests, or their first digits' }),
  tables: documented(z.clone(texts), { description: '`table`, or `database.table`' }),
  since: documented(orNull(instant), { description: 'From this time of the record on' }),
  until: documented(orNull(instant), { description: 'Before this time of the record' }),
});

const optionsOnWire = z.object({
  speed: documented(orNull(z.number()), {
    description: 'Times as fast as recorded; null: each session as fast as it goes',
  }),
  writes: documented(z.boolean(), { description: 'Whether what changes data is sent, too' }),
  sessions: documented(orNull(z.int()), {
    description: 'Connections at once at most; null: as many as the target has room for',
  }),
  serial: documented(z.boolean(), {
    description: 'One statement at a time, in the order of the record, as fast as it goes',
  }),
  recordedTime: documented(z.boolean(), {
    description: 'Whether NOW() is the recorded time',
  }),
  checksums: documented(z.boolean(), {
    description: 'Whether written tables are summed up at the end',
  }),
  deadline: documented(z.clone(seconds), {
    description: 'Seconds after which a statement that has no answer is broken off',
  }),
  databases: documented(z.array(z.object({ recorded: z.string(), target: z.string() })), {
    description: 'Databases that have another name on the target',
  }),
  users: documented(
    z.array(z.object({ recorded: z.string(), user: z.string(), passwordFrom: orNull(z.string()) })),
    {
      description:
        'Recorded users, `*` for all others, and the accounts that they log in with; passwords by reference',
    },
  ),
  search: searchOnWire,
});

/** How a record is replayed: lengths of time in seconds, times in ISO-8601. */
const replayOptions = formOf<ReplayOptions>()(optionsOnWire);

documented(replayOptions, {
  id: 'ReplayOptions',
  description: 'How a record is replayed; `search` has which statements.',
});

/** The same in a request: what is left out is as by default. */
const givenReplayOptions: Form<ReplayOptions> = z.codec(
  // One that is misspelt would send what was to be left out.
  z.strictObject({
    ...z.partial(optionsOnWire).shape,
    search: z.optional(
      documented(z.strictObject(z.partial(searchOnWire).shape), {
        description: 'Which statements; what is left out asks for nothing',
      }),
    ),
  }),
  z.custom<ReplayOptions>(),
  {
    decode: ({ search, ...given }) =>
      ({
        ...DEFAULT_REPLAY,
        ...(given.serial === true ? { speed: null } : {}),
        ...given,
        search: { ...EVERY_STATEMENT, ...search },
      }) as ReplayOptions,
    encode: (options) => options as z.output<typeof optionsOnWire>,
  },
);

const requestOnWire = z.object({
  capture: documented(z.string(), {
    description: 'The recorded capture: an id, a name, or `environment/name`',
  }),
  environment: documented(z.string(), {
    description: 'The target: the id or the name of an environment',
  }),
  name: z.optional(
    documented(z.string(), {
      description: 'Of the replay; left out: after the capture and the environment',
    }),
  ),
  options: z.optional(
    documented(z.clone(givenReplayOptions), {
      description: 'How it is replayed; what is left out is as by default',
    }),
  ),
  confirm: z.optional(
    documented(z.string(), {
      description:
        'The name of the target: needed where the record is from that server, or another capture recorded it',
    }),
  ),
  approveWrites: z.optional(
    documented(z.boolean(), {
      description: 'That it may change data; needed with `writes`, where `confirm` is not given',
    }),
  ),
});

/** What is to be replayed, and the capture. */
export interface GivenReplay {
  readonly capture: string;
  readonly request: ReplayRequest;
}

export const givenReplay: Form<GivenReplay> = z.codec(requestOnWire, z.custom<GivenReplay>(), {
  decode: ({ capture, environment, name, options, confirm, approveWrites }) => ({
    capture,
    request: {
      environment,
      name: name ?? null,
      options: options ?? DEFAULT_REPLAY,
      confirmed: confirm ?? null,
      approvesWrites: approveWrites === true,
    },
  }),
  encode: ({ capture, request: { environment, name, options, confirmed, approvesWrites } }) => ({
    capture,
    environment,
    options,
    ...(name === null ? {} : { name }),
    ...(confirmed === null ? {} : { confirm: confirmed }),
    ...(approvesWrites ? { approveWrites: true } : {}),
  }),
});

const source = plain<ReplaySource>('The capture that was replayed, as it was called then', [
  'captureId',
]);
const plan = plain<ReplayPlan>('What is to be sent, and skipped, by reason', ['records', 'sent']);
const progress = plain<ReplayProgress>('How far it is', ['records', 'sent']);
const server = formOf<NonNullable<StoredReplay['target']>>()(
  z.object({
    flavor: z.string(),
    version: z.string(),
    hostname: z.string(),
    port: z.int(),
  }),
);

export const replayEvent = formOf<ReplayEvent>()(
  z.discriminatedUnion('type', [
    z.object({ type: z.literal('planning'), records: z.number(), of: z.number() }),
    z.object({ type: z.literal('planned'), plan }),
    z.object({ type: z.literal('started'), capture }),
    z.object({ type: z.literal('played'), progress, of: z.number() }),
    z.object({ type: z.literal('summing'), table: z.string() }),
  ]),
);

export const plannedReplay = z.object({
  plan,
  source,
  target: z.object({
    environment: z.string(),
    place: z.string(),
    server,
    isSource: z.boolean(),
    isRecorded: z.boolean(),
  }),
});

/** `errors` of a row is the sum of what failed: for who reads it. */
type RowsOnWire = Omit<ReplayResult, 'rows'> & {
  readonly rows: readonly (ReplayResult['rows'][number] & { readonly errors: number })[];
};

/** As files of replays have it: the fields of a capture, how it is replayed, and what came of it. */
const replayOnWire = z.extend(captureOnWire, {
  format: z.literal(REPLAY_REPORT_FORMAT),
  formatVersion: z.literal(REPLAY_REPORT_VERSION),
  replay: z.object({
    source,
    options: replayOptions,
    target: orNull(server),
    plan: orNull(plan),
    progress: orNull(progress),
    host: z.string(),
    pid: z.int(),
    heardAt: instant,
  }),
  result: orNull(
    plain<RowsOnWire>('What came of it; null until it is over', ['records', 'sent', 'rows']),
  ),
});

documented(replayOnWire, { id: 'Replay' });

export const replay: Form<Replay> = z.codec(replayOnWire, z.custom<Replay>(), {
  decode: ({ replay: stored, result, ...wire }) => ({
    capture: captureOf(wire),
    stored: { captureId: wire.id, ...stored },
    result: result === null ? null : { ...result, rows: result.rows.map(withoutErrors) },
  }),
  encode: ({
    capture: listed,
    stored: { source: of, options, target, plan: planned, progress: played, host, pid, heardAt },
    result,
  }): z.output<typeof replayOnWire> => ({
    ...onWire(listed),
    format: REPLAY_REPORT_FORMAT,
    formatVersion: REPLAY_REPORT_VERSION,
    replay: { source: of, options, target, plan: planned, progress: played, host, pid, heardAt },
    result: result === null ? null : { ...result, rows: result.rows.map(withErrors) },
  }),
});

type Row = ReplayResult['rows'][number];

function withErrors(row: Row): RowsOnWire['rows'][number] {
  const errors = Object.values(row.failed).reduce((sum, count) => sum + count, 0);
  return { ...row, errors };
}

function withoutErrors(row: RowsOnWire['rows'][number]): Row {
  return Object.fromEntries(
    Object.entries(row).filter(([name]) => name !== 'errors'),
  ) as unknown as Row;
}
