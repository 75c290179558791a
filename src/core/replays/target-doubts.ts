import { AppError } from '../errors.ts';
import { placeOf, type ServerEnvironment } from '../environments/environment.ts';
import type { TargetDoubt } from '../hints.ts';
import type { ServerIdentity } from '../source.ts';
import type { ListedCapture, RecordedServer, Store } from '../store.ts';
import type { RecordingFacts } from '../workloads/workload.ts';

/**
 * Why a replay to this server has to be meant: the record is from it, or a capture of this store recorded it, also
 * one that is deleted. In doubt it is: a copy of a server may call itself as the first one does.
 * @param facts of the record.
 * @returns null for a server that nothing is known of.
 */
export function knownAs(
  store: Pick<Store, 'recordings' | 'taps'>,
  record: Pick<ListedCapture, 'environmentId'>,
  facts: RecordingFacts | null,
  environmentId: number,
  server: ServerIdentity,
): Exclude<TargetDoubt, 'writes'> | null {
  // An import lies in an environment that need not be where it was recorded.
  const isHere = facts?.imported === undefined;
  if (isHere && record.environmentId === environmentId) return 'source';
  if (facts !== null && callThemselvesAlike(facts.server, server)) return 'source';
  const isRecorded = store.recordings
    .recordedServers()
    .some((one) => one.environmentId === environmentId || callThemselvesAlike(one.server, server));
  const isTapped = store.taps
    .list()
    .some((tap) => tap.environmentId === environmentId || tap.serverKey === server.key);
  return isRecorded || isTapped ? 'recorded' : null;
}

type NamedServer = RecordedServer['server'];

function callThemselvesAlike(one: NamedServer, other: NamedServer): boolean {
  if (one.uuid !== null && other.uuid !== null) return one.uuid === other.uuid;
  return one.hostname === other.hostname && one.port === other.port;
}

/**
 * @param doubt the gravest of those that there are.
 * @throws AppError `conflict` unless the target's name was typed, or, of writes alone, they were approved.
 */
export function requireMeant(
  { name, server }: ServerEnvironment,
  record: ListedCapture,
  doubt: TargetDoubt | null,
  { confirmed, approvesWrites }: { confirmed: string | null; approvesWrites: boolean },
): void {
  if (doubt === null || confirmed === name) return;
  if (doubt === 'writes' && approvesWrites) return;
  throw new AppError('conflict', sentenceOf(doubt, `"${name}" (${placeOf(server)})`, record.name), {
    hint: { code: 'confirm_target', environment: name, why: doubt },
  });
}

function sentenceOf(doubt: TargetDoubt, target: string, capture: string): string {
  switch (doubt) {
    case 'source':
      return `${target} is the server that "${capture}" was recorded on`;
    case 'recorded':
      return `${target} is a server that was recorded: it may be in use by others`;
    case 'writes':
      return `A replay with writes changes the data on ${target}`;
  }
}
