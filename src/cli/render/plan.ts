import type { AppError } from '../../core/errors.ts';
import type { Expectation } from '../../core/captures/expectation.ts';
import { RECORD_EVERYTHING } from '../../core/captures/recording-options.ts';
import type { ServerInspection, ServerOutlook } from '../../core/environments/server-inspection.ts';
import type { ListedCapture, NewCapture } from '../../core/store.ts';
import { type Json, type JsonObject, type Noun } from './column.ts';
import type { Coverage } from '../../core/warm-ups/value-coverage.ts';
import { isoTime } from './moments.ts';
import { outlookJson } from './values-outlook.ts';

/** What `create --plan` found. */
export interface PlanFacts {
  /** What `create` would store. */
  readonly planned: NewCapture;
  readonly environment: string;
  /** Whether there are statements to record. */
  readonly isRecorded: boolean;
  /** null where no server could be looked at. */
  readonly inspection: ServerInspection | null;
  readonly outlook: ServerOutlook | null;
  /** The recorder's lock is held, by our own store's daemon. */
  readonly isHeldByUs: boolean;
  readonly expectation: Expectation | null;
  /** Which of the sessions there are covered; null where no server could be looked at. */
  readonly coverage: Coverage | null;
  /** Other captures there, in the time of this one; those in environments of other users are only counted. */
  readonly others: readonly ListedCapture[];
  readonly hiddenOthers: number;
  readonly warnings: readonly string[];
  /** What `create` would refuse, in its order. */
  readonly refusals: readonly AppError[];
  /** Why a capture that is to start later could not, were it now. */
  readonly obstacleAtStart: AppError | null;
}

const FIELDS = [
  'name',
  'environment',
  'status',
  'scheduledStart',
  'scheduledEnd',
  'duration',
  'ready',
  'server',
  'account',
  'settings',
  'privileges',
  'lockHolder',
  'others',
  'hiddenOthers',
  'deadMan',
  'load',
  'prepared',
  'values',
  'expected',
  'disk',
  'limits',
  'cost',
  'undo',
  'warnings',
] as const;

const round = (value: number): number => Math.round(value * 100) / 100;
const seconds = (ms: number | null): number | null => (ms === null ? null : Math.round(ms / 1000));

function planJson(facts: PlanFacts): JsonObject {
  const { planned, inspection, outlook, expectation } = facts;
  const options = planned.options ?? RECORD_EVERYTHING;
  const json: Record<(typeof FIELDS)[number], Json> = {
    name: planned.name,
    environment: facts.environment,
    status: planned.status,
    scheduledStart: isoTime(planned.scheduledStart),
    scheduledEnd: isoTime(planned.scheduledEnd),
    duration: seconds(planned.duration),
    ready: facts.refusals.length === 0,
    server: inspection === null ? null : serverJson(inspection),
    account: inspection?.account ?? null,
    settings:
      inspection === null || outlook === null
        ? null
        : {
            now: { ...inspection.settings },
            whileRecording: { ...outlook.settingsWhileRecording },
            recorderTable:
              inspection.recorderTable === null ? null : { ...inspection.recorderTable },
          },
    privileges: (inspection?.privileges ?? []).map(
      ({ privilege, purpose, state, required, grant }) => ({
        privilege,
        purpose,
        state,
        required,
        grant,
      }),
    ),
    lockHolder:
      inspection?.lockHolder == null
        ? null
        : {
            connectionId: inspection.lockHolder.connectionId,
            user: inspection.lockHolder.user,
            host: inspection.lockHolder.host,
            ours: facts.isHeldByUs,
          },
    others: facts.others.map(({ id, name, environmentName, status }) => ({
      id,
      name,
      environment: environmentName,
      status,
    })),
    hiddenOthers: facts.hiddenOthers,
    deadMan:
      inspection === null
        ? null
        : { after: seconds(options.deadMan), obstacle: inspection.deadManObstacle },
    load: expectation === null || outlook === null ? null : loadJson(expectation, outlook),
    prepared: outlook === null ? null : { ...outlook.prepared },
    values:
      inspection === null || facts.coverage === null
        ? null
        : {
            ...outlookJson(inspection.values, facts.coverage),
            executeShare: expectation === null ? null : round(expectation.preparedShare),
          },
    expected: expectation === null ? null : expectedJson(expectation),
    disk:
      expectation?.disk == null
        ? null
        : {
            free: expectation.disk.free,
            size: expectation.disk.size,
            minFree: expectation.minFree,
            lasts: seconds(expectation.diskLasts),
          },
    limits: {
      maxSize: options.maxSize,
      untilMaxSize: seconds(expectation?.untilMaxSize ?? null),
    },
    cost: outlook === null ? null : costJson(outlook),
    undo: [...(outlook?.undo ?? [])],
    warnings: [...laterWarnings(facts), ...facts.warnings],
  };
  return json;
}

function serverJson({ server }: ServerInspection): JsonObject {
  const { flavor, version, hostname, port, uuid } = server;
  return { flavor, version, hostname, port, uuid };
}

function loadJson(expectation: Expectation, { load }: ServerOutlook): JsonObject {
  const { statementsPerSecond, rowsPerSecond, statementBytes, preparedShare } = expectation;
  return {
    seconds: round(load.seconds),
    statementsPerSecond: round(statementsPerSecond),
    rowsPerSecond: round(rowsPerSecond),
    statementBytes: statementBytes === null ? null : Math.round(statementBytes),
    preparedShare: round(preparedShare),
  };
}

function costJson({ cost }: ServerOutlook): JsonObject {
  const { measuredOn, isThisRelease, saturated, latency, note } = cost;
  return {
    measuredOn,
    isThisRelease,
    saturated: saturated.map((shares) => ({ ...shares })),
    latency: latency === null ? null : { ...latency },
    note,
  };
}

function expectedJson(expectation: Expectation): JsonObject {
  const { logBytes, logBytesPerHour, fileBytesPerHour, fileBytes, ratio } = expectation;
  return {
    logBytes,
    logBytesPerHour,
    fileBytesPerHour,
    fileBytes,
    ratio: round(ratio),
    fromEarlierCaptures: expectation.isFromExperience,
  };
}

/** What a capture that is to start later would meet, were it now. */
export function laterWarnings({ obstacleAtStart }: PlanFacts): string[] {
  return obstacleAtStart === null
    ? []
    : [`As things are, it could not start: ${obstacleAtStart.message}`];
}

/** For scripts; a terminal shows `renderPlan`. */
export const planNoun: Noun<PlanFacts> = {
  fields: FIELDS,
  toJson: planJson,
  reference: ({ planned }) => planned.name,
  none: 'Nothing was planned.',
};
