import { AppError } from '../core/errors.ts';
import type { OpenSource, ServerMarks } from '../core/source.ts';
import type { TapRow } from '../core/store.ts';
import { ServerTaken, type TapContext } from './tap-context.ts';

/** Another tap of this daemon whose server calls itself as the one that was just reached. */
export interface OtherTap {
  readonly environment: { readonly name: string };
  /** Its row in the store; null until it has one. */
  readonly row: TapRow | null;
  /** The server's id of its control connection; null while it has none. */
  readonly connectionId: number | null;
  /** Whether it is known to have written its nonce into the marker. */
  readonly isMarked: boolean;
  /** Whether it has ended: it is no tap of any server any more. */
  readonly isOver: boolean;
}

/** The taps of this daemon, as a new one needs to know them. */
export interface OtherTaps {
  /** Those whose server calls itself so. */
  at(serverKey: string): readonly OtherTap[];
  /** Whether one of them has this row. */
  hasRow(rowId: number): boolean;
}

export const NO_OTHER_TAPS: OtherTaps = { at: () => [], hasRow: () => false };

const LOOK_MS = 100;
/** A tap that lost its connection tries again every five seconds at the latest. */
const PATIENCE_MS = 8_000;

type Relation = 'same' | 'different' | 'undecided';

/**
 * Whether a tap records the server that was reached. Host name, port, data folder and
 * `server_uuid` are copied with disks and containers, and prove nothing. What proves it is that this
 * server sees the tap's own connection holding the lock, and has the tap's nonce in its marker; a copy
 * of the disk has the nonce, too, and not the connection.
 */
function relationOf(marks: ServerMarks, other: OtherTap): Relation {
  const { row, connectionId, isMarked } = other;
  if (row === null) return 'undecided';
  const isHeld = connectionId !== null && marks.lockHolder === connectionId;
  if (!marks.canBeMarked) {
    if (connectionId === null) return 'undecided';
    return isHeld ? 'same' : 'different';
  }
  if (marks.nonce === row.nonce) return isHeld ? 'same' : 'undecided';
  return isMarked ? 'different' : 'undecided';
}

/**
 * The row in the store of the tap that reads, or has read, this very server.
 * @param others taps of this daemon that reached a server of this name before.
 * @returns null when the server has none: it is to get one of its own.
 * @throws ServerTaken when one of `others` reads it; AppError `conflict` when it cannot be decided
 *   within some seconds, or when the environment's own tap was on another server.
 */
export async function findRow(
  { store, clock }: TapContext,
  environment: { readonly id: number },
  server: OpenSource,
  others: readonly OtherTap[],
  hasRow: (rowId: number) => boolean,
): Promise<TapRow | null> {
  const deadline = clock.now() + PATIENCE_MS;
  for (;;) {
    const marks = await server.marks();
    const relations = others
      .filter(({ isOver }) => !isOver)
      .map((other) => ({ other, relation: relationOf(marks, other) }));
    const same = relations.find(({ relation }) => relation === 'same')?.other.row;
    if (same != null) throw new ServerTaken(same.id);
    const undecided = relations.find(({ relation }) => relation === 'undecided');
    if (undecided === undefined) {
      return findRemembered(store.taps, environment, server, marks, hasRow);
    }
    if (clock.now() >= deadline) throw cannotTell(server, undecided.other.environment.name);
    await clock.sleep(LOOK_MS);
  }
}

/** Among the rows that no tap of this daemon has in hand. */
function findRemembered(
  taps: TapContext['store']['taps'],
  environment: { readonly id: number },
  server: OpenSource,
  { nonce, lockHolder, canBeMarked }: ServerMarks,
  hasRow: (rowId: number) => boolean,
): TapRow | null {
  const rows = taps.listByServer(server.server.key).filter(({ id }) => !hasRow(id));
  const own = rows.find(({ environmentId }) => environmentId === environment.id);
  if (own !== undefined) {
    requireSameServer(own, nonce);
    return own;
  }
  const marked = rows.find((row) => (canBeMarked ? row.nonce === nonce : true));
  if (marked === undefined) return null;
  const isOurs = taps.connectionsOf(marked.id).some((one) => one.connectionId === lockHolder);
  return lockHolder === null || isOurs ? marked : null;
}

/**
 * Makes sure that an environment still leads to the server of its tap. A server without a marker may
 * be it: the log is not switched on yet, or another store restored it meanwhile.
 * @throws AppError `conflict`.
 */
export function requireSameServer(row: TapRow, nonce: string | null): void {
  if (nonce === null || nonce === row.nonce) return;
  throw new AppError(
    'conflict',
    'The environment now points to another server than the one whose log was switched on',
    { hint: 'Point it back at the first one, so that its settings can be restored.' },
  );
}

function cannotTell(server: OpenSource, environmentName: string): AppError {
  const { hostname, port } = server.server;
  return new AppError(
    'conflict',
    `The server ${hostname}:${port} has the marker of the recorder of the environment "${environmentName}", which is not connected to it: it is that server, or a copy of its disk`,
    {
      hint: `Nothing was changed there. If it is a copy, drop its schema "captures" first; otherwise wait until "${environmentName}" is recorded again.`,
    },
  );
}
