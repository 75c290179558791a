import type { Actor } from '../access.ts';
import { AuditTrail, captureSubject } from '../audit/audit-trail.ts';
import { MESSAGES } from '../captures/capture.ts';
import { readArchivedOptions } from '../captures/recording-options.ts';
import { getEnvironment, type Membership } from '../environments/environment-service.ts';
import { AppError } from '../errors.ts';
import { storeMetricLines } from '../metrics/metric-lines.ts';
import { checkName, nameKey } from '../names.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import { storeTimesLines } from '../reports/times-lines.ts';
import type { FinishedRecording, ListedCapture, Recording, Store } from '../store.ts';
import { requireLoggedIn } from '../users/standing.ts';
import {
  verifyWorkload,
  type Verification,
  type VerificationProgress,
} from '../verification/verification-service.ts';
import type { ArchivedCapture, ImportOrigin, StagedWorkload } from './transfer.ts';
import type { Manifest, RecordingFacts, WorkloadPosition } from './workload.ts';

export interface ImportRequest {
  /** An id or a name; null for the one of the archive's name. */
  readonly environment: string | null;
  /** null for that of the archive. */
  readonly name: string | null;
}

/** What was read of the archive so far, then of its records. */
export type ImportEvent =
  { readonly type: 'unpacked'; readonly bytes: number } | VerificationProgress;

export interface ImportedCapture {
  readonly capture: ListedCapture;
  readonly origin: ImportOrigin;
  /** What was found of its record; the capture is not in it. */
  readonly verification: Verification;
}

const NOT_WHOLE = 'This is no export that can be imported';

/** As `TransferService.import`. */
export async function* importWorkload(
  outside: Outside,
  actor: Actor,
  archive: AsyncIterable<Uint8Array>,
  request: ImportRequest,
  signal: AbortSignal,
): Progress<ImportEvent, ImportedCapture> {
  const { store, clock } = outside;
  if (request.name !== null) checkName('capture', request.name);
  if (request.environment !== null) placeOf(store, actor, request.environment);
  const workloads = await outside.workloads();
  const watched = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      // It may take hours.
      requireLoggedIn(store, actor, clock.now());
      yield chunk;
    }
  };
  const staged = yield* unpacking(archive, signal, (chunks) =>
    workloads.unpack(watched(chunks), ({ about }) => {
      requirePlace(store, actor, about, request);
    }),
  );
  try {
    const recording = recordingOf(staged, clock.now());
    const verification = yield* verified(outside, staged, recording, signal);
    signal.throwIfAborted();
    return store.transaction(() => {
      requireLoggedIn(store, actor, clock.now());
      const capture = stored(outside, actor, staged, recording, request);
      return { capture, origin: recording.origin, verification };
    });
  } catch (error) {
    await staged.discard();
    throw error;
  }
}

/** Takes an archive apart, and says how far it has come. */
async function* unpacking(
  archive: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  unpack: (chunks: AsyncIterable<Uint8Array>) => Promise<StagedWorkload>,
): Progress<ImportEvent, StagedWorkload> {
  let bytes = 0;
  let wake: () => void = () => undefined;
  const told = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of archive) {
      signal.throwIfAborted();
      bytes += chunk.length;
      wake();
      yield chunk;
    }
    signal.throwIfAborted();
  };
  const state = { isDone: false };
  const work = unpack(told()).finally(() => {
    state.isDone = true;
    wake();
  });
  // Its failure is thrown below, and not before.
  work.catch(() => undefined);
  while (!state.isDone) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
    yield { type: 'unpacked', bytes };
  }
  return work;
}

function placeOf(store: Store, actor: Actor, environment: string): Membership {
  return getEnvironment(store, actor, 'capture.import', environment);
}

/** Where it goes, and under which name. @throws AppError `not_found`, `forbidden`; `invalid` for a name that is taken. */
function requirePlace(
  store: Store,
  actor: Actor,
  about: ArchivedCapture,
  request: ImportRequest,
): { environment: Membership; name: string } {
  const name = request.name ?? checkName('capture', about.capture.name);
  const environment = environmentOf(store, actor, about.environment.name, request);
  if (store.captures.isNameTaken(environment.id, nameKey(name))) {
    throw new AppError('invalid', MESSAGES.nameTaken, {
      hint: {
        code: 'import_under_other_name',
        capture: { environmentName: environment.name, name },
      },
    });
  }
  return { environment, name };
}

function environmentOf(
  store: Store,
  actor: Actor,
  name: string,
  request: ImportRequest,
): Membership {
  if (request.environment !== null) return placeOf(store, actor, request.environment);
  // A name alone: in an archive digits are no id of this store.
  const found = store.environments.findByName(name);
  const role = found === null ? null : store.members.roleOf(found.id, actor);
  if (found === null || role === null) {
    throw new AppError('not_found', MESSAGES.environmentMissing, {
      hint: { code: 'import_elsewhere', environment: name },
    });
  }
  return placeOf(store, actor, String(found.id));
}

/** The row of a recording, without the capture that it will be of. */
type ImportedRecording = Omit<FinishedRecording, 'captureId' | 'rates'> & {
  readonly origin: ImportOrigin;
};

function recordingOf({ about, manifest }: StagedWorkload, now: number): ImportedRecording {
  const { capture, recording, exportedAt } = about;
  const origin: ImportOrigin = {
    captureId: manifest.capture.id,
    name: manifest.capture.name,
    environment: manifest.environment.name,
    owner: capture.owner,
    exportedAt,
    importedAt: now,
  };
  const { endReason, deadManObstacle, ...looks } = recording;
  const facts: RecordingFacts = {
    server: manifest.server,
    settingsBefore: manifest.settingsBefore,
    start: manifest.start,
    end: manifest.end,
    sessionsAtStart: manifest.sessionsAtStart,
    sessionsAtEnd: manifest.sessionsAtEnd,
    transactionsAtStart: manifest.transactionsAtStart,
    transactionsAtEnd: manifest.transactionsAtEnd,
    gaps: manifest.gaps,
    warnings: manifest.warnings,
    endReason,
    deadManObstacle,
    ...(manifest.recycled === undefined ? {} : { recycled: manifest.recycled }),
    imported: origin,
  };
  const position = positionOf(manifest);
  const { heard = null } = manifest;
  return {
    records: position?.totalRecords ?? 0,
    textBytes: position?.totalText ?? 0,
    fileBytes: position?.totalBytes ?? 0,
    position: position === null ? null : JSON.stringify(position),
    counters: JSON.stringify({ ...manifest.counters, openSessions: [], heard }),
    facts: JSON.stringify(facts),
    ...looks,
    origin,
  };
}

/** How far a workload that is over was written; null where it has no segment. */
function positionOf({ segments }: Manifest): WorkloadPosition | null {
  const last = segments.at(-1);
  if (last === undefined) return null;
  const sum = (field: 'records' | 'text' | 'bytes'): number =>
    segments.reduce((total, segment) => total + segment[field], 0);
  const { segment, bytes: offset, text, records, firstTime, lastTime, sha256 } = last;
  return {
    segment,
    offset,
    text,
    records,
    firstTime,
    lastTime,
    sha256,
    totalRecords: sum('records'),
    totalText: sum('text'),
    totalBytes: sum('bytes'),
  };
}

/**
 * Reads every record, as `verify` does.
 * @throws AppError `invalid` where the files are not what the manifest says.
 */
async function* verified(
  { workloads, compareCounters, clock }: Outside,
  { folder }: StagedWorkload,
  row: ImportedRecording,
  signal: AbortSignal,
): Progress<ImportEvent, Verification> {
  const recording: Recording = {
    ...row,
    captureId: 0,
    tapId: null,
    firstBatch: null,
    lastBatch: null,
  };
  const subject = { capture: null, recording, folder, minValues: null };
  let verification: Verification;
  try {
    const run = verifyWorkload(await workloads(), await compareCounters(), clock, subject);
    for (;;) {
      const step = await run.next();
      if (step.done === true) {
        verification = step.value;
        break;
      }
      signal.throwIfAborted();
      yield step.value;
    }
  } catch (error) {
    // A manifest may have anything in the place of what is only compared.
    if (!(error instanceof TypeError)) throw error;
    throw new AppError('invalid', `${NOT_WHOLE}: its manifest is not as it must be`, {
      hint: { code: 'give_an_export' },
      cause: error,
    });
  }
  const damage = verification.result.problems.find(({ kind }) => kind === 'damage');
  if (damage !== undefined)
    throw new AppError('invalid', `${NOT_WHOLE}: ${damage.what}`, {
      hint: { code: 'give_an_export' },
    });
  return verification;
}

/** Stores the capture with everything of it, and makes the folder its own; call it in a transaction. */
function stored(
  { store, clock, origin }: Outside,
  actor: Actor,
  staged: StagedWorkload,
  recording: ImportedRecording,
  request: ImportRequest,
): ListedCapture {
  const { environment, name } = requirePlace(store, actor, staged.about, request);
  const { status, start, end, scheduledStart, scheduledEnd, duration, reason } =
    staged.about.capture;
  const { origin: from, ...row } = recording;
  const { id } = store.captures.insert(
    {
      name,
      environmentId: environment.id,
      ownerId: actor.userId,
      status,
      start,
      end,
      scheduledStart,
      scheduledEnd,
      duration,
      reason,
      recordsStatements: true,
      options: readArchivedOptions(staged.manifest.options),
    },
    clock.now(),
  );
  const rates = storeMetricLines(store, id, staged.lines('metrics'));
  storeTimesLines(store.times, id, staged.lines('times'));
  store.recordings.insertFinished({ ...row, captureId: id, rates });
  const capture = store.captures.find(id);
  if (capture === null) throw new AppError('not_found', MESSAGES.captureMissing);
  new AuditTrail(store, clock, origin).record(actor, 'capture.import', captureSubject(capture), {
    details: { from: `${from.environment}/${from.name}`, records: recording.records },
  });
  staged.adopt(id);
  return capture;
}
