import type { CaptureStatus, CaptureType } from '../../core/captures/capture.ts';
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
  readonly type: CaptureType;
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
  /** Records of a replay that is over, by what became of them; null for others. */
  readonly replayed: {
    readonly sent: number;
    readonly skipped: number;
    readonly failed: number;
  } | null;
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

/** Of `GET /api/captures/{capture}/replay`. Lengths of time in milliseconds. */
export interface ReplayAnswer {
  readonly reason: string | null;
  readonly replay: {
    readonly source: { readonly environmentName: string; readonly captureName: string };
    readonly target: { readonly flavor: string; readonly version: string } | null;
  };
  readonly result: ReplayResultAnswer | null;
}

/** What came of a replay: its records by reason, or by the number of the error. */
export interface ReplayResultAnswer {
  readonly records: number;
  readonly sent: number;
  readonly skipped: Readonly<Record<string, number>>;
  readonly failed: Readonly<Record<string, number>>;
  readonly tookMs: number;
  readonly perSecond: number;
  readonly latency: SpreadAnswer | null;
  readonly lateMs: SpreadAnswer | null;
  readonly errors: readonly { readonly code: string; readonly message: string }[];
  readonly warnings: readonly string[];
  /** Most time first. */
  readonly rows: readonly {
    readonly count: number;
    readonly errors: number;
    readonly averageMs: number;
    readonly p99Ms: number;
    readonly text: string;
  }[];
}

interface SpreadAnswer {
  readonly averageMs: number;
  readonly p99Ms: number;
}

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
