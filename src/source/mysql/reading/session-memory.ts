import type { SourceMemory } from '../../../core/source.ts';

/** What the next reader has to know of a session, for the log does not say it again. */
interface SessionMemory {
  /** Prepare rows that repeat the last Query row, and are still to come. */
  readonly prepares: number;
  /** Whether the Query row bore no text of what they prepare. */
  readonly isHidden: boolean;
  /** Execute rows that repeat it, and are still to come. */
  readonly executes: number;
  /** The transaction that it is in, or the temporary table that it has; null for neither. */
  readonly transaction: 'open' | 'keeps' | null;
}

/** As `SessionState.memory`; null where nothing is to be remembered. */
export function remembered(memory: SessionMemory): SourceMemory | null {
  const { prepares, isHidden, executes, transaction } = memory;
  if (prepares === 0 && executes === 0 && transaction === null) return null;
  return { prepares, isHidden, executes, transaction };
}

/** What `remembered` was told. */
export function recalled(memory: SourceMemory | null): SessionMemory {
  const { prepares, isHidden, executes, transaction } = memory ?? {};
  return {
    prepares: typeof prepares === 'number' ? prepares : 0,
    isHidden: isHidden === true,
    executes: typeof executes === 'number' ? executes : 0,
    transaction: transaction === 'open' || transaction === 'keeps' ? transaction : null,
  };
}

/** The same with the session's offset from UTC. */
export function withZone(memory: SourceMemory | null, minutes: number): SourceMemory {
  return { ...memory, zone: minutes };
}

/** A session's offset from UTC, in minutes; null where it is not remembered. */
export function zoneOf(memory: SourceMemory | null): number | null {
  const zone = memory?.['zone'];
  return typeof zone === 'number' ? zone : null;
}
