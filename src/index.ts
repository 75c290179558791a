/**
 * The library, for programs: `openCaptures` opens a store, whose `api` has every use case of the program.
 * What a call rejects with for a user's mistake is an AppError with a code.
 */
export { Captures, openCaptures, type NewCapture } from './library.ts';
export { API_CODES, AppError, isAppError, type ErrorCode } from './core/errors.ts';
export type { Hint } from './core/hints.ts';
export { resultOf, type Progress } from './core/progress.ts';
export type { Actor, Operation, Relation, Role } from './core/access.ts';
export type { Api } from './core/api.ts';
export type { AuditRequest } from './core/audit/audit-log.ts';
export type { AuditEntry, Author, Origin } from './core/audit/audit-trail.ts';
export { CAPTURE_STATUSES, isOver, type CaptureStatus } from './core/captures/capture.ts';
export type { CapturePlan } from './core/captures/capture-plan.ts';
export type { CreatedCapture } from './core/captures/capture-creation.ts';
export type { CaptureEdit, CaptureRequest } from './core/captures/capture-timing.ts';
export type { Finding } from './core/diagnosis/finding.ts';
export type { Environment, ServerAddress } from './core/environments/environment.ts';
export type {
  EnvironmentEdit,
  EnvironmentRequest,
  Membership,
  ServerRequest,
} from './core/environments/environment-service.ts';
export type { ListedMember } from './core/members/member-service.ts';
export type { MetricReport, MetricRequest } from './core/metrics/metric-service.ts';
export type { RecoveredServer, RecoveryRequest } from './core/recovery/recovery-service.ts';
export type { LiveReport, Report, ReportRequest, ReportRow } from './core/reports/report.ts';
export type {
  Replay,
  ReplayEvent,
  ReplayOptions,
  ReplayPlan,
  ReplayResult,
} from './core/replays/replay.ts';
export type { ListedSchedule } from './core/schedules/schedule.ts';
export type { ScheduleEdit, ScheduleRequest } from './core/schedules/schedule-service.ts';
export type { ListedCapture } from './core/store.ts';
export type { Approval } from './core/warm-ups/approvals.ts';
export type { PublicUser } from './core/users/user-service.ts';
export type { VerificationResult } from './core/verification/verification.ts';
export type { StatementSearch } from './core/workloads/statement-search.ts';
export type { StatementRequest } from './core/workloads/workload-service.ts';
export type { StatementFlag, StatementKind, StatementRecord } from './core/workloads/statements.ts';
