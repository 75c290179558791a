import { checkSearch, EVERY_STATEMENT } from '../workloads/statement-search.ts';
import { AppError } from '../errors.ts';
import { parsePasswordReference } from '../environments/password-reference.ts';
import {
  DEFAULT_DEADLINE_MS,
  type ReplayOptions,
  type ReplayPlan,
  type ReplaySource,
  type StoredReplay,
} from './replay.ts';

/** What is to be replayed where. */
export interface ReplayRequest {
  /** The target: an id or a name. */
  readonly environment: string;
  /** null: after the capture and the environment. */
  readonly name: string | null;
  readonly options: ReplayOptions;
  /** The target's name, as somebody typed it who was asked whether that server is meant; null: nobody was. */
  readonly confirmed: string | null;
  /** Whether it may change data on the target, where that server needs no name to be typed. */
  readonly approvesWrites: boolean;
}

/** What a replay would do; nothing was sent, nothing is stored. */
export interface PlannedReplay {
  readonly plan: ReplayPlan;
  readonly source: ReplaySource;
  readonly target: {
    readonly environment: string;
    /** `host:port` or a socket. */
    readonly place: string;
    readonly server: NonNullable<StoredReplay['target']>;
    /** Whether the record is from this server. */
    readonly isSource: boolean;
    /** Whether a capture of this store recorded it, that one or another. */
    readonly isRecorded: boolean;
  };
}

/** Everything at the speed of the record, read-only. */
export const DEFAULT_REPLAY: ReplayOptions = {
  speed: 1,
  writes: false,
  sessions: null,
  databases: [],
  users: [],
  serial: false,
  recordedTime: true,
  search: EVERY_STATEMENT,
  deadline: DEFAULT_DEADLINE_MS,
  checksums: false,
};

const SLOWEST = 0.001;
const FASTEST = 1_000;
const MOST_SESSIONS = 100_000;
const SHORTEST_DEADLINE_MS = 1_000;
const LONGEST_DEADLINE_MS = 24 * 3_600_000;
const MOST_MAPPED = 1_000;
/** Of a user; a database's is shorter, on every server that there is. */
const LONGEST_NAME = 128;

/** @throws AppError `invalid` for options that no replay can have. */
export function checkReplayOptions(options: ReplayOptions): void {
  const { speed, sessions, serial, deadline } = options;
  if (speed !== null && !(speed >= SLOWEST && speed <= FASTEST)) {
    throw new AppError('invalid', `A speed is a number from ${SLOWEST} to ${FASTEST}`);
  }
  if (sessions !== null && !isWithin(sessions, 1, MOST_SESSIONS)) {
    throw new AppError('invalid', `Sessions at once are a number from 1 to ${MOST_SESSIONS}`);
  }
  if (!isWithin(deadline, SHORTEST_DEADLINE_MS, LONGEST_DEADLINE_MS)) {
    throw new AppError('invalid', 'A deadline is 1 s at least, and 24 hours at most');
  }
  if (serial && (speed !== null || sessions !== null)) {
    throw new AppError(
      'invalid',
      'One statement at a time goes as fast as it can: it has no speed, and no number of sessions',
    );
  }
  checkMapped('database', options.databases);
  for (const { target } of options.databases) checkMappedName('database', target);
  checkMapped('user', options.users);
  for (const { user, passwordFrom } of options.users) {
    checkMappedName('user', user);
    if (passwordFrom !== null) parsePasswordReference(passwordFrom);
  }
  checkSearch(options.search);
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function checkMapped(noun: string, mapped: readonly { readonly recorded: string }[]): void {
  if (mapped.length > MOST_MAPPED) {
    throw new AppError('invalid', `A replay maps at most ${MOST_MAPPED} ${noun}s`);
  }
  const seen = new Set<string>();
  for (const { recorded } of mapped) {
    checkMappedName(noun, recorded);
    if (seen.has(recorded)) {
      throw new AppError('invalid', `The ${noun} "${recorded}" is mapped twice`);
    }
    seen.add(recorded);
  }
}

function checkMappedName(noun: string, name: string): void {
  if (name !== '' && name.length <= LONGEST_NAME && !name.includes('\0')) return;
  throw new AppError('invalid', `A ${noun} to map has 1 to ${LONGEST_NAME} characters`);
}
