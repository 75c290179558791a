import type { Role, Scope, Viewer } from './access.ts';
import type { CallTable } from './audit/call-log.ts';
import type { AuditTable } from './audit/audit-trail.ts';
import type { Capture, CaptureStatus, CaptureType } from './captures/capture.ts';
import type { DaemonStatusTable } from './daemon/daemon-status.ts';
import type { ReferenceTable } from './environments/confinement.ts';
import type { Environment } from './environments/environment.ts';
import type { MetricTable } from './metrics/metric-store.ts';
import type { OwnCommands, StoredOwnCommands } from './verification/own-commands.ts';
import type { AddressAttemptTable } from './users/address-gate.ts';
import type { PasswordAttemptTable } from './users/password-gate.ts';
import type { RecordingOptions } from './captures/recording-options.ts';
import type { ReplayTable } from './replays/replay-table.ts';
import type { ReplayProgress } from './replays/replay.ts';
import type { RemovalTable } from './captures/workload-removals.ts';
import type { TimesTable } from './reports/times-table.ts';
import type { ScheduleTable } from './schedules/schedule.ts';
import type { OwnConnection, ServerIdentity, ServerSettings, SessionState } from './source.ts';
import type { WorkloadRate } from './metrics/workload-metrics.ts';
import type { WarmUpTable } from './warm-ups/warm-up.ts';

/** A person. The password is a salted scrypt hash, never the secret. */
export interface User {
  readonly id: number;
  readonly name: string;
  readonly isAdmin: boolean;
  readonly passwordHash: string;
  readonly createdAt: number;
}

/** A session or token: what proves who somebody is. Only the SHA-256 of its secret is stored. */
export interface Credential {
  readonly id: number;
  readonly userId: number;
  readonly kind: 'session' | 'token';
  readonly name: string | null;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** What it may be used for; `UNLIMITED` for a session. */
  readonly scope: Scope;
}

export interface Member {
  readonly environmentId: number;
  readonly userId: number;
  readonly userName: string;
  readonly role: Role;
}

export interface NewCapture {
  readonly name: string;
  readonly environmentId: number;
  readonly ownerId: number;
  readonly status: CaptureStatus;
  readonly start: number | null;
  readonly scheduledStart: number | null;
  readonly scheduledEnd: number | null;
  readonly end: number | null;
  readonly duration: number | null;
  readonly reason: string | null;
  readonly recordsStatements: boolean;
  /** Absent: a capture. */
  readonly type?: CaptureType;
  /** Absent: `RECORD_EVERYTHING`. */
  readonly options?: RecordingOptions;
}

/** The fields of a capture that may change with or without its status. */
export type CaptureChanges = Partial<
  Pick<
    Capture,
    'name' | 'start' | 'scheduledStart' | 'scheduledEnd' | 'end' | 'duration' | 'reason'
  >
>;

/** Captures as lists show them: with the names of what they refer to. */
export interface ListedCapture extends Capture {
  readonly environmentName: string;
  readonly ownerName: string;
  /** Statements recorded and committed; null where nothing is recorded. */
  readonly records: number | null;
  /** Bytes of text recorded, uncompressed. */
  readonly textBytes: number | null;
  /** Bytes on disk. */
  readonly fileBytes: number | null;
  /** What its recording waits for; null where all is well, and where it is over. */
  readonly trouble: Trouble | null;
  /** Of a replay: what became of its records, up to now or at its end; null of one that sent nothing yet. */
  readonly replayed: ReplayedCounts | null;
}

/** Records that a replay has come to, and what became of them: the three are their sum. */
export type ReplayedCounts = Pick<ReplayProgress, 'sent' | 'skipped' | 'failed'>;

/** What a list can be ordered by; each is also the order of an index. */
export const CAPTURE_ORDERS = ['created', 'name', 'start', 'end'] as const;
export type CaptureOrder = (typeof CAPTURE_ORDERS)[number];

export interface CaptureFilter {
  /** Only captures of these environments. */
  readonly environmentIds: readonly number[];
  readonly statuses: readonly CaptureStatus[] | null;
  /** null for both. */
  readonly type: CaptureType | null;
  readonly ownerId: number | null;
  /** A glob over names, with `*` and `?`, ignoring case. */
  readonly name: string | null;
  /** Captures whose window touches this interval; one that has not started counts by its schedule. */
  readonly since: number | null;
  readonly until: number | null;
  readonly order: CaptureOrder;
  readonly descending: boolean;
  /** Rows at most; null for all of them. */
  readonly limit: number | null;
}

/**
 * A tap: the reader of one server's log. Its row exists from before anything is changed on the
 * server until everything is restored, so that after a crash it says what is to be restored.
 */
export interface TapRow {
  readonly id: number;
  /** What the server calls itself (`ServerIdentity.key`): other servers may do so, too. */
  readonly serverKey: string;
  /** A random word that is this tap's alone; it stands in the marker on its server. */
  readonly nonce: string;
  /** The environment whose connection is used. */
  readonly environmentId: number;
  /** What the server was set to before: what is to be restored. */
  readonly settings: ServerSettings;
  /** The last batch that was read to its end and committed. */
  readonly batch: number;
  /** Rows of the next one that are committed already. */
  readonly row: number;
  readonly openedAt: number;
  /** The server's start since which it is recorded, as `OpenSource.serverStart`; null: not proven yet. */
  readonly serverStart: number | null;
  /** What its connections have sent and may have sent; null: not known yet, or an older version's. */
  readonly ownCommands: StoredOwnCommands | null;
  /** What keeps it from reading, or from restoring, its server; null while all is well. */
  readonly trouble: Trouble | null;
}

/** What is in a tap's way; tried again until it is not. */
export interface Trouble {
  /** Since when, milliseconds since the epoch. */
  readonly since: number;
  /** What the last try ended with, one sentence without a full stop. */
  readonly reason: string;
}

export interface RecordedServer {
  readonly environmentId: number;
  readonly server: Pick<ServerIdentity, 'uuid' | 'hostname' | 'port'>;
}

/** What the daemon keeps of one capture's recording. JSON texts are opaque to the store. */
export interface Recording {
  readonly captureId: number;
  readonly tapId: number | null;
  /** Statements of this batch and later are the capture's; null until it starts. */
  readonly firstBatch: number | null;
  /** Statements of this batch and earlier are; null while the window is open. */
  readonly lastBatch: number | null;
  readonly records: number;
  readonly textBytes: number;
  readonly fileBytes: number;
  /** Where the workload's files are committed to; null before the first commit. */
  readonly position: string | null;
  readonly counters: string | null;
  /** Facts for the manifest: start, end, gaps, warnings. */
  readonly facts: string | null;
  /** What checks and plans of ours may have asked of the server while its window was open. */
  readonly otherCommands: number;
  /** What they asked besides, certainly while it was. */
  readonly lookQuestions: number;
  readonly lookSets: number;
  readonly lookStatuses: number;
}

export interface RecordingProgress {
  readonly captureId: number;
  readonly records: number;
  readonly textBytes: number;
  readonly fileBytes: number;
  readonly position: string;
  readonly counters: string;
  /** What was recorded since the last commit, by time; added to what is stored. */
  readonly rates: readonly WorkloadRate[];
}

/** A recording that is over. JSON texts are opaque to the store. */
export interface FinishedRecording
  extends
    Omit<RecordingProgress, 'position'>,
    Pick<Recording, 'position' | 'otherCommands' | 'lookQuestions' | 'lookSets' | 'lookStatuses'> {
  readonly facts: string;
}

/** Everything one batch of a tap commits, in one transaction. */
interface TapCommit {
  readonly tapId: number;
  readonly batch: number;
  readonly row: number;
  readonly own: StoredOwnCommands;
  readonly changedSessions: readonly SessionState[];
  readonly endedSessions: readonly number[];
  readonly recordings: readonly RecordingProgress[];
}

/** The one active daemon of a store. */
export interface Lease {
  /** Random, one per daemon process. */
  readonly holder: string;
  readonly host: string;
  readonly pid: number;
  readonly background: boolean;
  readonly acquiredAt: number;
  readonly expiresAt: number;
}

/**
 * The store, as the rules see it: synchronous, because its driver is. Every read-then-write runs inside
 * `transaction`. Methods named `find…` may return null; `insert…` throw AppError `conflict` where
 * the name is taken. A store that cannot be read or written throws AppError `store_unusable`.
 */
export interface Store {
  /** Random, made at `init`; written on servers so that two stores never mix. */
  readonly id: string;
  /** Absolute path of the folder. */
  readonly directory: string;
  /** Whether a group shares the folder (2770, files 0660) or it is private (0700, 0600). */
  readonly isShared: boolean;
  /** Runs `work` in one immediate transaction; what it throws rolls everything back. */
  transaction<T>(work: () => T): T;
  /** Changes whenever another connection has committed something since the last call. */
  changeCounter(): number;
  /** Whether the store's file is still the one that was opened. */
  isStillThere(): boolean;
  /** Frees the disk space kept for the day the disk is full, so that a failure can be written. */
  releaseReserve(): void;
  /** Sets that space aside, where the disk has it; a daemon does so when it begins. */
  keepReserve(): void;
  /**
   * The key of this store's pseudonyms and counters, 32 bytes: made when it is first asked for, the same ever after.
   */
  pseudonymKey(): Buffer;
  close(): void;

  readonly users: UserTable;
  readonly credentials: CredentialTable;
  readonly environments: EnvironmentTable;
  readonly members: MemberTable;
  readonly captures: CaptureTable;
  readonly recordings: RecordingTable;
  readonly taps: TapTable;
  readonly lease: LeaseTable;
  readonly daemonStatus: DaemonStatusTable;
  readonly schedules: ScheduleTable;
  readonly removals: RemovalTable;
  readonly audit: AuditTable;
  readonly calls: CallTable;
  readonly metrics: MetricTable;
  readonly times: TimesTable;
  readonly warmUps: WarmUpTable;
  readonly replays: ReplayTable;
  readonly passwordAttempts: PasswordAttemptTable;
  readonly references: ReferenceTable;
  readonly addressAttempts: AddressAttemptTable;
}

export interface UserTable {
  insert(user: { name: string; isAdmin: boolean; passwordHash: string }, now: number): User;
  find(id: number): User | null;
  findByName(name: string): User | null;
  /** Ordered by name. */
  list(): User[];
  setPassword(id: number, passwordHash: string): void;
  /** The user's credentials and memberships go too; captures must have been handed on before. */
  delete(id: number): void;
}

export interface CredentialTable {
  insert(
    credential: {
      userId: number;
      kind: Credential['kind'];
      name: string | null;
      secretHash: Buffer;
      expiresAt: number;
      scope: Scope;
    },
    now: number,
  ): Credential;
  findBySecret(secretHash: Buffer): Credential | null;
  find(id: number): Credential | null;
  /** A user's credentials of one kind, oldest first. */
  listOf(userId: number, kind: Credential['kind']): Credential[];
  delete(id: number): void;
  /** Ends a user's sessions but one. */
  deleteOtherSessions(userId: number, keepId: number | null): void;
  /** Ends all of a user's tokens. */
  deleteTokens(userId: number): void;
  deleteExpired(now: number): void;
}

export interface EnvironmentTable {
  insert(environment: Omit<Environment, 'id' | 'createdAt'>, now: number): Environment;
  find(id: number): Environment | null;
  findByName(name: string): Environment | null;
  /** Replaces everything but the id; throws AppError `conflict` where the name is taken. */
  update(environment: Environment): void;
  delete(id: number): void;
  /** Those that a viewer is a member of, with their role in each; ordered by name. */
  listFor(viewer: Viewer): (Environment & { role: Role })[];
}

export interface MemberTable {
  insert(environmentId: number, userId: number, role: Role): void;
  /** Changes a member's role; false when they are none. */
  setRole(environmentId: number, userId: number, role: Role): boolean;
  /** False when they were no member. */
  delete(environmentId: number, userId: number): boolean;
  /** The environments a viewer is a member of, with the role. */
  listFor(viewer: Viewer): { environmentId: number; role: Role }[];
  /** null also where the environment is not within the viewer's scope. */
  roleOf(environmentId: number, viewer: Viewer): Role | null;
  listOf(environmentId: number): Member[];
}

export interface CaptureTable {
  insert(capture: NewCapture, now: number): Capture;
  find(id: number): ListedCapture | null;
  /** Captures of that name in the environments the viewer has a role in. */
  findByName(name: string, viewer: Viewer): ListedCapture[];
  /**
   * With a limit, as fast in a million captures as in a hundred.
   * @param after the last row of the page before; the list goes on behind it.
   */
  list(filter: CaptureFilter, after?: Capture | null): ListedCapture[];
  /** Whether a capture of the environment has the name with this key. */
  isNameTaken(environmentId: number, nameKey: string): boolean;
  countOf(environmentId: number): number;
  /** Ids of the captures of an environment. */
  idsOf(environmentId: number): number[];
  /** Gives every capture of one owner in an environment to another. */
  handOn(environmentId: number, from: number, to: number): number;
  /** Environments in which a user owns captures. */
  environmentsOwnedIn(ownerId: number): number[];
  /** Every capture in one of these statuses, oldest first, of all owners; replays are none. */
  listByStatus(statuses: readonly CaptureStatus[]): Capture[];
  /** SCHEDULED captures due at or before `until`, earliest first. */
  listDue(until: number, limit: number): Capture[];
  /** When the next SCHEDULED capture is due; null when none is. */
  nextDue(): number | null;
  /** SCHEDULED captures whose warm-up begins at or before `until`, and that have none for this start. */
  listWarming(until: number): Capture[];
  /** When the next of these begins; null when none does. */
  nextWarming(): number | null;
  /** RUNNING captures, not replays, whose scheduled end is at or before `until`. */
  listEnding(until: number): Capture[];
  /** When the next RUNNING capture that records nothing, and is no replay, ends; null when none does. */
  nextEnd(): number | null;
  /**
   * Compare-and-set: moves a capture from one status to another, with the changes, and returns it;
   * null when it was not in `from` any more. Only moves of the transition table are possible.
   */
  move(
    id: number,
    from: CaptureStatus,
    to: CaptureStatus,
    changes?: CaptureChanges,
  ): Capture | null;
  /** Changes fields while the capture is in one of `statuses`; null when it is not (or is gone). */
  update(id: number, statuses: readonly CaptureStatus[], changes: CaptureChanges): Capture | null;
  /** Deletes a capture that is in one of `statuses`; false when it is not (or is gone). */
  delete(id: number, statuses: readonly CaptureStatus[]): boolean;
}

export interface RecordingTable {
  find(captureId: number): Recording | null;
  /** Recordings of a tap that are not finished. */
  listOfTap(tapId: number): Recording[];
  /** Makes the row when it is not there yet. */
  begin(captureId: number, tapId: number): void;
  open(captureId: number, firstBatch: number, facts: string): void;
  end(captureId: number, lastBatch: number, facts: string): void;
  saveFacts(captureId: number, facts: string): void;
  /** Saves the final position and takes the recording off its tap. */
  finish(progress: RecordingProgress, facts: string): void;
  /** Adds to `otherCommands` of the captures that a tap has in its care. */
  addOtherCommands(tapId: number, commands: number): void;
  /** Captures of a tap whose window is open, and not about to close. */
  openOfTap(tapId: number): number[];
  /**
   * Makes of `noted` other commands what was sent, unless the window is closing: then it is not known
   * how many were before its end.
   */
  settleLook(captureId: number, noted: number, sent: OwnCommands): void;
  /** Says that the window is about to close. */
  closing(captureId: number): void;
  /** Takes the recording of a capture that failed off its tap. */
  detach(captureId: number): void;
  /**
   * Servers that were ever recorded, also for captures that are deleted: what they call themselves, and through
   * which environment; 0 where another store recorded it.
   */
  recordedServers(): readonly RecordedServer[];
  /** Stores a recording that another store made: of no tap, and over. */
  insertFinished(recording: FinishedRecording): void;
}

export interface TapTable {
  insert(
    tap: { serverKey: string; nonce: string; environmentId: number; settings: ServerSettings },
    now: number,
  ): TapRow;
  find(id: number): TapRow | null;
  /** Taps of servers that call themselves so: perhaps of several. */
  listByServer(serverKey: string): TapRow[];
  list(): TapRow[];
  /** Notes a connection of the recorder's; one whose server's start was unknown is known by it now. */
  addConnection(tapId: number, connection: OwnConnection): void;
  connectionsOf(tapId: number): OwnConnection[];
  /** Forgets connections of earlier starts of the server: everything they wrote has been read. */
  forgetConnectionsBefore(tapId: number, serverStart: number): void;
  /** Notes that the log was switched on, and proven to be, since this start of the server. */
  setInstalled(tapId: number, serverStart: number): void;
  sessionsOf(tapId: number): SessionState[];
  replaceSessions(tapId: number, sessions: readonly SessionState[]): void;
  saveOwnCommands(tapId: number, own: StoredOwnCommands): void;
  saveTrouble(tapId: number, trouble: Trouble | null): void;
  commit(commit: TapCommit): void;
  delete(id: number): void;
}

export interface LeaseTable {
  /** The lease as it stands, expired or not; null when there never was one or it was released. */
  find(): Lease | null;
  /** Takes the lease when nobody holds a live one; null when somebody does. */
  claim(
    lease: Omit<Lease, 'acquiredAt' | 'expiresAt'>,
    now: number,
    lengthMs: number,
  ): Lease | null;
  /**
   * Takes a lease that is as `stale` says, expired or not; null when it is not any more. For one that
   * nobody renews although it seems to run for long: the clock was set back after it was written.
   */
  takeOver(
    stale: Pick<Lease, 'holder' | 'expiresAt'>,
    lease: Omit<Lease, 'acquiredAt' | 'expiresAt'>,
    now: number,
    lengthMs: number,
  ): Lease | null;
  /** False when the lease is not this holder's any more. */
  renew(holder: string, now: number, lengthMs: number): boolean;
  isHeldBy(holder: string, now: number): boolean;
  release(holder: string): void;
}
