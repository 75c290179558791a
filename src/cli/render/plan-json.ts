import type { CapturePlan } from '../../core/captures/capture-plan.ts';
import type { Expectation } from '../../core/captures/expectation.ts';
import type { ServerOutlook } from '../../core/environments/server-inspection.ts';
import { jsonFields, type JsonObject, type Noun } from './column.ts';
import { isoTime } from './moments.ts';
import { lockHolderJson, privilegesJson, serverJson } from './servers.ts';
import { outlookJson } from './values-text.ts';

const round = (value: number): number => Math.round(value * 100) / 100;
const seconds = (ms: number | null): number | null => (ms === null ? null : Math.round(ms / 1000));

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
  ...jsonFields<CapturePlan>({
    name: ({ planned }) => planned.name,
    environment: ({ environment }) => environment,
    status: ({ planned }) => planned.status,
    scheduledStart: ({ planned }) => isoTime(planned.scheduledStart),
    scheduledEnd: ({ planned }) => isoTime(planned.scheduledEnd),
    duration: ({ planned }) => seconds(planned.duration),
    ready: ({ refusals }) => refusals.length === 0,
    server: ({ readiness }) =>
      readiness === null ? null : serverJson(readiness.inspection.server),
    account: ({ readiness }) => readiness?.inspection.account ?? null,
    settings: ({ readiness, outlook }) => {
      if (readiness === null || outlook === null) return null;
      const { settings, recorderTable } = readiness.inspection;
      return {
        now: { ...settings },
        whileRecording: { ...outlook.settingsWhileRecording },
        recorderTable: recorderTable === null ? null : { ...recorderTable },
      };
    },
    privileges: ({ readiness }) => (readiness === null ? [] : privilegesJson(readiness.inspection)),
    lockHolder: ({ readiness }) =>
      readiness === null ? null : lockHolderJson(readiness.inspection, readiness.isHeldByUs),
    others: ({ others }) =>
      others.map(({ id, name, environmentName, status }) => ({
        id,
        name,
        environment: environmentName,
        status,
      })),
    hiddenOthers: ({ hiddenOthers }) => hiddenOthers,
    deadMan: ({ readiness, planned }) =>
      readiness === null
        ? null
        : {
            after: seconds(planned.options.deadMan),
            obstacle: readiness.inspection.deadManObstacle,
          },
    load: ({ expectation, outlook }) =>
      expectation === null || outlook === null ? null : loadJson(expectation, outlook),
    prepared: ({ outlook }) => (outlook === null ? null : { ...outlook.prepared }),
    values: ({ readiness, expectation }) =>
      readiness === null
        ? null
        : {
            ...outlookJson(readiness.inspection.values, readiness.coverage),
            executeShare: expectation === null ? null : round(expectation.preparedShare),
          },
    expected: ({ expectation }) => (expectation === null ? null : expectedJson(expectation)),
    disk: ({ expectation }) => {
      if (expectation?.disk == null) return null;
      const { disk, minFree, diskLasts } = expectation;
      return { free: disk.free, size: disk.size, minFree, lasts: seconds(diskLasts) };
    },
    limits: ({ planned, expectation }) => ({
      maxSize: planned.options.maxSize,
      untilMaxSize: seconds(expectation?.untilMaxSize ?? null),
    }),
    cost: ({ outlook }) => (outlook === null ? null : costJson(outlook)),
    undo: ({ undo }) => [...undo],
    warnings: (plan) => [...laterWarnings(plan), ...plan.warnings],
  }),
  reference: ({ planned }) => planned.name,
  none: 'Nothing was planned.',
};
