import { DEFAULT_REPLAY } from '../../src/core/replays/replay-request.ts';
import type { ReplayedRecord } from '../../src/core/replays/replay-player.ts';
import type { ReplayOptions } from '../../src/core/replays/replay.ts';
import type {
  StatementFlag,
  StatementKind,
  StatementRecord,
} from '../../src/core/workloads/statements.ts';
import { NO_WINDOW, type RecordingFacts } from '../../src/core/workloads/workload.ts';

export const OPTIONS: ReplayOptions = { ...DEFAULT_REPLAY, speed: null, writes: true };

/** `[session, text]`, `[session, kind, text]` or with flags behind. */
export type Line =
  | readonly [session: number, sql: string]
  | readonly [session: number, kind: StatementKind, sql: string]
  | readonly [session: number, kind: StatementKind, sql: string, flags: readonly StatementFlag[]];

const START = Date.UTC(2026, 10, 30, 10);

/** Records of these lines, one a millisecond. */
function recordsOf(lines: readonly Line[]): StatementRecord[] {
  return lines.map((line, index) => {
    const [session, ...rest] = line;
    const [kind, sql, flags] = rest.length === 1 ? ['query' as const, rest[0]] : rest;
    const time = new Date(START + index).toISOString().replace('Z', '000Z');
    const who = { user: 'app', host: 'h', db: 'shop' };
    const record = { seq: index + 1, time, session, ...who, kind, sql };
    return flags === undefined ? record : { ...record, flags: [...flags] };
  });
}

const SERVER = {
  flavor: 'mariadb',
  version: '10.11.18-MariaDB',
  uuid: null,
  hostname: 'h',
  port: 3306,
};

/** A record of these lines. @param about what was seen at the edges of its window. */
export function recordOf(
  lines: readonly Line[],
  about: {
    readonly inTransaction?: readonly number[];
    readonly atEnd?: readonly number[];
    readonly flavor?: string;
  } = {},
): ReplayedRecord {
  const records = recordsOf(lines);
  const facts: RecordingFacts = {
    ...NO_WINDOW,
    server: { ...SERVER, flavor: about.flavor ?? 'mariadb' },
    settingsBefore: {},
    transactionsAtStart: (about.inTransaction ?? []).map((session) => ({ session, since: null })),
    sessionsAtEnd: (about.atEnd ?? lines.map(([session]) => session)).map((session) => ({
      session,
      user: 'app',
      host: 'h',
      db: 'shop',
    })),
    gaps: [],
    warnings: [],
    endReason: null,
  };
  return {
    captureId: 1,
    records: records.length,
    facts,
    // As a reader does: not all in one part.
    read: async function* () {
      for (let at = 0; at < records.length; at += 3)
        yield await Promise.resolve(records.slice(at, at + 3));
    },
  };
}
