import type { CaptureStatus } from '../../core/captures/capture.ts';
import type { Report } from '../../core/reports/report.ts';
import type { VerificationResult } from '../../core/verification/verification.ts';

/** What the page reads of the API's answers. Times are ISO-8601, lengths seconds. */

/** Of `GET /api/captures` and `GET /api/captures/{capture}`. */
export interface CaptureAnswer {
  readonly id: number;
  readonly name: string;
  readonly start: string | null;
  readonly scheduledStart: string | null;
  readonly scheduledEnd: string | null;
  readonly end: string | null;
  readonly status: CaptureStatus;
  readonly envId: number;
  readonly reason: string | null;
  readonly environment: string;
  readonly owner: string;
  readonly duration: number | null;
  readonly createdAt: string;
  readonly workload: {
    readonly records: number;
    readonly textBytes: number | null;
    readonly fileBytes: number | null;
  } | null;
  /** null for one that records no statements. */
  readonly options: OptionsAnswer | null;
  readonly trouble: { readonly since: string; readonly reason: string } | null;
}

export interface OptionsAnswer {
  readonly includeUsers: readonly string[];
  readonly excludeUsers: readonly string[];
  readonly includeDatabases: readonly string[];
  readonly excludeDatabases: readonly string[];
  readonly includeHosts: readonly string[];
  readonly only: readonly string[];
  readonly sample: number | null;
  readonly redact: string | null;
  readonly maxSize: number | null;
  readonly minFree: number | null;
}

/** Of `GET /api/captures/{capture}/metrics`: one metric. */
export interface MetricAnswer {
  readonly label: string;
  readonly displayName: string;
  readonly dataPoints: readonly {
    readonly Timestamp: string;
    readonly Maximum: number | null;
    readonly Unit: string | null;
  }[];
}

/** Of `GET /api/captures/{capture}/report`. */
export type ReportAnswer = Report;

/** How far an operation has come that reads what was recorded. */
export type ReadingEvent =
  | { readonly type: 'counted'; readonly bytes: number; readonly of: number }
  | { readonly type: 'verified'; readonly records: number; readonly of: number | null };

/** Of `GET /api/captures/{capture}/verification`. */
export interface VerificationAnswer {
  readonly result: VerificationResult;
  /** Milliseconds. */
  readonly took: number;
}

/** Of `GET /api/whoami`. */
export interface WhoAnswer {
  readonly userName: string;
  readonly kind: 'session' | 'token';
  readonly scope: { readonly isReadOnly: boolean };
}

/** Of `POST /api/login`. */
export interface LoginAnswer {
  readonly token: string;
}

/** Of `GET /api/environments`: one of them. */
export interface EnvironmentAnswer {
  readonly id: number;
  readonly name: string;
}
