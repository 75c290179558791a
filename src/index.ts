/**
 * The core library, for programs: the rules of captures over a store. What a function throws for a
 * user's mistake is an AppError with a code.
 */
export { API_CODES, AppError, isAppError, type ErrorCode } from './core/errors.ts';
export { systemClock, type Clock } from './core/clock.ts';
export {
  CAPTURE_STATUSES,
  isOver,
  type Capture,
  type CaptureStatus,
} from './core/captures/capture.ts';
export { CaptureRules } from './core/captures/capture-rules.ts';
export type { CaptureEdit, CaptureRequest } from './core/captures/capture-timing.ts';
export {
  EnvironmentService,
  type EnvironmentEdit,
  type EnvironmentRequest,
  type ServerRequest,
} from './core/environments/environment-service.ts';
export {
  MetricService,
  type MetricReport,
  type MetricRequest,
} from './core/metrics/metric-service.ts';
export type {
  MetricProvider,
  MetricSeries,
  MetricSource,
  MetricSources,
} from './core/metrics/metric-source.ts';
export { openCloudWatch } from './metrics-source/cloudwatch/cloudwatch.ts';
export { cloudWatchProvider } from './metrics-source/cloudwatch/provider.ts';
export { engineMetrics } from './metrics-source/mysql-status/engine-metrics.ts';
export type { Environment, ServerAddress } from './core/environments/environment.ts';
export {
  ScheduleService,
  type ScheduleEdit,
  type ScheduleRequest,
} from './core/schedules/schedule-service.ts';
export type { ListedSchedule, Schedule } from './core/schedules/schedule.ts';
export {
  findOrphanedWorkloads,
  removeDeletedWorkloads,
  workloadFolder,
} from './workload/deleted-workloads.ts';
export { RetentionService, type PrunePlan, type PruneRequest } from './core/captures/retention.ts';
export { AuditLog, type AuditRequest } from './core/audit/audit-log.ts';
export type { AuditEntry, Author, Origin } from './core/audit/audit-trail.ts';
export { UserService, prepareUser, type OpenedSession } from './core/users/user-service.ts';
export {
  decide,
  relationOf,
  RULES,
  type Actor,
  type Operation,
  type Relation,
  type Role,
} from './core/access.ts';
export type { StatementFlag, StatementKind, StatementRecord } from './core/workloads/statements.ts';
export type { ListedCapture, Store, User } from './core/store.ts';
export { createStore, openStore } from './store/store.ts';
export { readManifest, readablePosition, type Manifest } from './workload/manifest.ts';
export { readWorkload } from './workload/workload-reader.ts';
