import type { CapturePlan } from '../../core/captures/capture-plan.ts';
import type { Expectation } from '../../core/captures/expectation.ts';
import type { ServerInspection, ServerOutlook } from '../../core/environments/server-inspection.ts';
import { type Json, type JsonObject, type Noun } from './column.ts';
import { isoTime } from './moments.ts';
import { outlookJson } from './values-outlook.ts';

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

function planJson(plan: CapturePlan): JsonObject {
  const { planned, readiness, outlook, expectation } = plan;
  const { options } = planned;
  const inspection = readiness?.inspection ?? null;
  const json: Record<(typeof FIELDS)[number], Json> = {
    name: planned.name,
    environment: plan.environment,
    status: planned.status,
    scheduledStart: isoTime(planned.scheduledStart),
    scheduledEnd: isoTime(planned.scheduledEnd),
    duration: seconds(planned.duration),
    ready: plan.refusals.length === 0,
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
            ours: readiness?.isHeldByUs === true,
          },
    others: plan.others.map(({ id, name, environmentName, status }) => ({
      id,
      name,
      environment: environmentName,
      status,
    })),
    hiddenOthers: plan.hiddenOthers,
    deadMan:
      inspection === null
        ? null
        : { after: seconds(options.deadMan), obstacle: inspection.deadManObstacle },
    load: expectation === null || outlook === null ? null : loadJson(expectation, outlook),
    prepared: outlook === null ? null : { ...outlook.prepared },
    values:
      readiness === null
        ? null
        : {
            ...outlookJson(readiness.inspection.values, readiness.coverage),
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
    undo: [...plan.undo],
    warnings: [...laterWarnings(plan), ...plan.warnings],
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
export function laterWarnings({ obstacleAtStart }: CapturePlan): string[] {
  return obstacleAtStart === null
    ? []
    : [`As things are, it could not start: ${obstacleAtStart.message}`];
}

/** For scripts; a terminal shows `renderPlan`. */
export const planNoun: Noun<CapturePlan> = {
  fields: FIELDS,
  toJson: planJson,
  reference: ({ planned }) => planned.name,
  none: 'Nothing was planned.',
};
