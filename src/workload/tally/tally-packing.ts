import { DIGEST_CLASSES, type DigestClass } from '../../core/reports/tally.ts';
import { STATEMENT_FLAGS } from '../../core/workloads/statements.ts';
import type { DigestTable } from './digest-table.ts';
import { PackedWriter } from './packed-bytes.ts';
import type { GrowingAxis, SliceCounts } from './slice-counts.ts';
import type { PendingExecute, TallyBuilder } from './tally-builder.ts';
import type {
  AccountEntry,
  CountedRows,
  CountedStatements,
  DigestEntry,
  EchoedStatement,
  Sender,
  SessionEntry,
  StatementExample,
} from './tally-entries.ts';
import type { UnlistedCount, UnlistedCounts } from './unlisted-counts.ts';

export const ACCESSES = ['read', 'write'] as const;

/** A tally as bytes, for a file or for another thread. 20,000 digests of sysbench's length are 4 MB. */
export function packTally(tally: TallyBuilder): Buffer {
  const out = new PackedWriter(expectedBytes(tally.digests));
  packRecordsInto(out, tally);
  packDigestsInto(out, tally.digests);
  return out.bytes();
}

/** All of it but its digests. */
export function packRecords(tally: TallyBuilder): Buffer {
  const out = new PackedWriter();
  packRecordsInto(out, tally);
  return out.bytes();
}

export function packDigests(digests: DigestTable): Buffer {
  const out = new PackedWriter(expectedBytes(digests));
  packDigestsInto(out, digests);
  return out.bytes();
}

/** Of a digest, besides its texts. */
const BYTES_OF_A_DIGEST = 200;

/** About as many as digests come to. */
function expectedBytes(digests: DigestTable): number {
  let bytes = 0;
  for (const { text, example } of digests.entries()) {
    bytes += text.length + example.sql.length + BYTES_OF_A_DIGEST;
  }
  return bytes;
}

function packRecordsInto(out: PackedWriter, tally: TallyBuilder): void {
  packAxis(out, tally.axis);
  out.flag(tally.isFull);
  out.count(tally.rows);
  for (const total of TOTALS) out.count(tally[total]);
  out.number(tally.first);
  out.number(tally.last);
  out.number(tally.earliest);
  out.number(tally.latest);
  // Below zero where a login is taken back that is in the part before.
  out.number(tally.opened);
  out.count(tally.closed);
  for (const flag of STATEMENT_FLAGS) out.count(tally.byFlag[flag]);
  packSlices(out, tally.slices);
  const { users, hosts } = tally.otherAccounts;
  for (const names of [users, hosts]) packUnlisted(out, names, (name) => out.name(name));
  packUnlistedCount(out, tally.otherSessions);

  const accounts = new Map<AccountEntry, number>();
  out.count(tally.accounts.size);
  for (const account of tally.accounts.values()) {
    accounts.set(account, accounts.size);
    packAccount(out, account);
  }
  out.count(tally.sessions.size);
  for (const session of tally.sessions.values()) packSession(out, session, accounts);
  out.count(tally.pending.size);
  for (const pending of tally.pending.values()) packPending(out, pending);
}

function packDigestsInto(out: PackedWriter, digests: DigestTable): void {
  packAxis(out, digests.axis);
  out.flag(digests.isFull);
  const { databases, classes } = digests.unlisted;
  packUnlisted(out, databases, (name) => out.name(name));
  packUnlisted(out, classes, (name) => packClass(out, name));
  const senders = new Map<Sender, number>();
  for (const { accounts } of digests.entries()) {
    for (const { sender } of accounts) {
      if (!senders.has(sender)) senders.set(sender, senders.size);
    }
  }
  out.count(senders.size);
  for (const { user, host } of senders.keys()) {
    out.name(user);
    out.name(host);
  }
  out.count(digests.byDatabase.size);
  for (const [db, some] of digests.byDatabase) {
    out.name(db);
    out.count(some.size);
    for (const digest of some.values()) packDigest(out, digest, senders);
  }
}

function packAxis(out: PackedWriter, growing: GrowingAxis): void {
  const { from, width, count } = growing.axis();
  out.number(from);
  out.number(width);
  out.count(count);
}

export const TOTALS = ['statements', 'records', 'withValues', 'withoutValues'] as const;

function packSlices(out: PackedWriter, slices: SliceCounts): void {
  let slots = 0;
  slices.forEach(() => slots++);
  out.count(slots);
  slices.forEach((slot, count) => {
    out.count(slot);
    out.count(count);
  });
}

function packCounted(out: PackedWriter, counted: CountedStatements): void {
  out.count(counted.count);
  out.number(counted.first);
  out.number(counted.last);
  packSlices(out, counted.slices);
}

function packRows(out: PackedWriter, counted: CountedRows): void {
  packCounted(out, counted);
  out.count(counted.firstRow);
  out.count(counted.lastRow);
  out.count(counted.withoutValues);
  out.count(counted.prepared);
}

function packUnlisted<Name extends string | null>(
  out: PackedWriter,
  { byName, other }: UnlistedCounts<Name>,
  packName: (name: Name) => void,
): void {
  out.count(byName.size);
  for (const [name, counted] of byName) {
    packName(name);
    packUnlistedCount(out, counted);
  }
  packUnlistedCount(out, other);
}

function packUnlistedCount(out: PackedWriter, counted: UnlistedCount): void {
  out.count(counted.count);
  out.number(counted.first);
  out.number(counted.last);
  out.count(counted.withoutValues);
  packSlices(out, counted.slices);
}

function packAccount(out: PackedWriter, account: AccountEntry): void {
  out.name(account.user);
  out.name(account.host);
  packCounted(out, account);
  out.number(account.opened);
  out.count(account.closed);
  out.number(account.firstSeen);
  out.number(account.lastSeen);
}

function packSession(
  out: PackedWriter,
  session: SessionEntry,
  accounts: ReadonlyMap<AccountEntry, number>,
): void {
  out.number(session.session);
  packCounted(out, session);
  const { place } = session;
  out.flag(place !== null);
  if (place !== null) {
    out.name(place.user);
    out.name(place.host);
    out.name(place.db);
  }
  out.number(session.opened);
  out.number(session.closed);
  out.flag(session.isJustOpened);
  if (session.isJustOpened) {
    out.number(session.openedBefore);
    const account = session.openedBy === null ? undefined : accounts.get(session.openedBy);
    out.count(account === undefined ? 0 : account + 1);
  }
  out.flag(session.isUnderWay);
  out.flag(session.isRefused);
  out.flag(session.openingEcho !== null);
  if (session.openingEcho !== null) packEchoed(out, session.openingEcho);
}

function packPending(out: PackedWriter, pending: PendingExecute): void {
  out.number(pending.session);
  out.number(pending.micros);
  out.number(pending.sliceTime);
  out.count(pending.row);
  out.name(pending.db);
  out.name(pending.user);
  out.name(pending.host);
  packEchoed(out, pending.own);
}

function packEchoed(out: PackedWriter, echoed: EchoedStatement): void {
  packDigestText(out, echoed);
  packExample(out, echoed.example);
}

function packDigestText(
  out: PackedWriter,
  about: Pick<DigestEntry, 'digest' | 'text' | 'class' | 'tables'>,
): void {
  out.text(about.digest);
  out.text(about.text);
  packClass(out, about.class);
  out.count(about.tables.length);
  for (const { name, access } of about.tables) {
    out.name(name);
    out.count(ACCESSES.indexOf(access));
  }
}

function packClass(out: PackedWriter, name: DigestClass | null): void {
  out.count(name === null ? 0 : DIGEST_CLASSES.indexOf(name) + 1);
}

function packExample(out: PackedWriter, example: StatementExample): void {
  out.number(example.seq);
  out.number(example.micros);
  out.number(example.session);
  out.name(example.user);
  out.flag(example.isCut);
  out.count(example.flags.length);
  for (const flag of example.flags) out.count(STATEMENT_FLAGS.indexOf(flag));
  out.text(example.sql);
}

function packDigest(
  out: PackedWriter,
  entry: DigestEntry,
  senders: ReadonlyMap<Sender, number>,
): void {
  packDigestText(out, entry);
  packRows(out, entry);
  out.count(entry.accounts.length);
  for (const { sender, count, firstRow } of entry.accounts) {
    out.count(senders.get(sender) ?? 0);
    out.count(count);
    out.count(firstRow);
  }
  out.count(entry.otherAccounts);
  out.count(entry.exampleRow);
  packExample(out, entry.example);
}
