import { AuditLog } from './audit/audit-log.ts';
import { CaptureRules } from './captures/capture-rules.ts';
import { CaptureService } from './captures/capture-service.ts';
import { DaemonService } from './daemon/daemon-service.ts';
import { DaemonStarter } from './daemon/daemon-starter.ts';
import type { DiagnosisService } from './diagnosis/diagnosis-service.ts';
import { EnvironmentService } from './environments/environment-service.ts';
import { MemberService } from './members/member-service.ts';
import type { MetricService } from './metrics/metric-service.ts';
import type { Outside } from './outside.ts';
import { RecoveryService } from './recovery/recovery-service.ts';
import { ReplayService } from './replays/replay-service.ts';
import { ReportService } from './reports/report-service.ts';
import type { ScheduleService } from './schedules/schedule-service.ts';
import { VerificationService } from './verification/verification-service.ts';
import { TransferService } from './workloads/transfer-service.ts';
import { WorkloadService } from './workloads/workload-service.ts';
import { UserService } from './users/user-service.ts';
import { WarmUpService } from './warm-ups/warm-up-service.ts';

/** What others see of a class. */
type Public<Class> = Pick<Class, keyof Class>;

/** The same with promises: what a class looks like that is loaded when it is first used. */
type Loaded<Class> = {
  [Name in keyof Class]: Class[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};

/**
 * Everything a user can do, a member a noun. A use case takes who asks (an `Actor`, or a secret) and plain
 * data, checks what the actor may do, and resolves to plain data; times are milliseconds since the
 * epoch. One that takes a while is an async generator: it yields what happens, as plain data, and returns
 * the result (see `resultOf`); an `AbortSignal` ends it early.
 *
 * What a user did wrong, or may not do, rejects with an AppError.
 */
export interface Api {
  readonly captures: Public<CaptureService>;
  readonly schedules: Loaded<ScheduleService>;
  readonly environments: Public<EnvironmentService>;
  readonly members: Public<MemberService>;
  readonly users: Public<UserService>;
  readonly metrics: Loaded<MetricService>;
  readonly recovery: Public<RecoveryService>;
  readonly warmUps: Public<WarmUpService>;
  readonly workloads: Public<WorkloadService>;
  readonly transfers: Public<TransferService>;
  readonly verification: Public<VerificationService>;
  readonly reports: Public<ReportService>;
  readonly replays: Public<ReplayService>;
  readonly daemon: Public<DaemonService>;
  readonly diagnosis: Loaded<DiagnosisService>;
  readonly audit: Public<AuditLog>;
}

/** The use cases in this process, over a store. */
export function createApi(outside: Outside): Api {
  const { store, clock, origin, passwordCost } = outside;
  const starter = new DaemonStarter(outside);
  return {
    captures: new CaptureService(outside, starter),
    // Cron arithmetic takes 3 ms to load, and a list of captures does not need it.
    schedules: loadedWhenUsed(SCHEDULE_USE_CASES, async () => {
      const { ScheduleService } = await import('./schedules/schedule-service.ts');
      return new ScheduleService(outside);
    }),
    environments: new EnvironmentService(outside),
    members: new MemberService(store, clock, origin),
    users: new UserService(store, clock, origin, passwordCost),
    metrics: loadedWhenUsed({ report: true }, async () => {
      const { MetricService } = await import('./metrics/metric-service.ts');
      return new MetricService(store, clock, origin, await outside.metricSources());
    }),
    recovery: new RecoveryService(outside),
    warmUps: new WarmUpService(outside, starter),
    workloads: new WorkloadService(outside),
    transfers: new TransferService(outside),
    verification: new VerificationService(outside),
    reports: new ReportService(outside),
    replays: new ReplayService(outside),
    daemon: new DaemonService(outside),
    diagnosis: loadedWhenUsed({ ofStore: true, ofEnvironments: true }, async () => {
      const { DiagnosisService } = await import('./diagnosis/diagnosis-service.ts');
      return new DiagnosisService(outside);
    }),
    audit: new AuditLog(store, new CaptureRules(store, clock, origin)),
  };
}

/** What a class can do, by name: the compiler refuses a list that lacks one. */
type UseCases<Class> = Readonly<Record<keyof Class, true>>;

const SCHEDULE_USE_CASES: UseCases<ScheduleService> = {
  create: true,
  list: true,
  get: true,
  edit: true,
  pause: true,
  resume: true,
  delete: true,
  next: true,
};

/** A member whose module is loaded by the first use case that is called; none of them is a generator. */
function loadedWhenUsed<Class extends object>(
  useCases: UseCases<Class>,
  load: () => Promise<Class>,
): Loaded<Class> {
  let loading: Promise<Class> | null = null;
  const called =
    (name: string) =>
    async (...args: unknown[]): Promise<unknown> => {
      const loaded = await (loading ??= load());
      const useCase = loaded[name as keyof Class] as (...args: unknown[]) => unknown;
      return useCase.apply(loaded, args);
    };
  const names = Object.keys(useCases);
  return Object.fromEntries(names.map((name) => [name, called(name)])) as Loaded<Class>;
}
