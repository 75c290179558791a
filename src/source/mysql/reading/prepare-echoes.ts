import {
  hidesPreparedText,
  isValuesOf,
  preparedName,
  preparedText,
  trimmed,
} from '../../../sql/session-statements.ts';
import type { PrepareEcho, Session } from './session.ts';

// Kept to tell a server that prepares again from a client that prepares: the beginning is enough.
const KEPT_TEXT = 1024;
// Of a session that prepares under ever new names, nothing is known after so many.
const MOST_PREPARED = 1000;

export const NO_ECHOES: readonly PrepareEcho[] = [];

/**
 * Follows PREPARE and EXECUTE of the text protocol: the server writes a Prepare and an Execute row behind
 * the Query row, which only repeat it.
 */
export class PrepareEchoes {
  readonly #preparesFirst: boolean;
  readonly #note: (session: Session) => void;

  /**
   * @param preparesFirst as of `SessionTracker`.
   * @param note called when what is to be remembered of a session has changed.
   */
  constructor(preparesFirst: boolean, note: (session: Session) => void) {
    this.#preparesFirst = preparesFirst;
    this.#note = note;
  }

  /**
   * Takes note of a statement, which may be a PREPARE or EXECUTE.
   * @returns whether its row hides the text, which stands in the Prepare row alone.
   */
  expect(session: Session, code: string): boolean {
    const [, word, rest = ''] = /^(prepare|execute)\b(.*)$/is.exec(code) ?? [];
    if (word === undefined) return false;
    if (word.toLowerCase() === 'prepare') {
      const source = /^\s*\S+?\s+from\b(.*)$/is.exec(rest)?.[1] ?? '';
      const isHidden = hidesPreparedText(code);
      const name = preparedName(code);
      this.#expectPrepare(session, { name, text: preparedText(source), isHidden });
      return isHidden;
    }
    const immediate = /^\s+immediate\b(.*)$/is.exec(rest)?.[1];
    const name = immediate === undefined ? preparedName(code) : null;
    if (name !== null && session.knowsPrepared && !session.prepared.has(name)) return false;
    session.executeEchoes++;
    session.executing = name;
    if (immediate === undefined) this.#note(session);
    else {
      const text = preparedText(immediate);
      this.#expectPrepare(session, { name: null, text, isHidden: false });
    }
    return false;
  }

  #expectPrepare(session: Session, echo: PrepareEcho): void {
    // Known before its row comes, because an EXECUTE can follow in the same text.
    if (echo.name !== null) session.prepared.set(echo.name, null);
    if (session.prepared.size > MOST_PREPARED) {
      session.prepared.clear();
      session.knowsPrepared = false;
    }
    session.prepareEchoes = [...session.prepareEchoes, echo];
    this.#note(session);
  }

  /**
   * Whose a Prepare row is: `echo` of a PREPARE whose row has the text, or of an EXECUTE for which the
   * server prepared again; the `text` of a PREPARE whose row has none; or a `client`'s own.
   * @param executed text of the Execute row before, when it repeated an EXECUTE.
   */
  whose(session: Session, sql: string, executed: string | null): 'echo' | 'text' | 'client' {
    const [echo, ...others] = session.prepareEchoes;
    if (echo !== undefined && (echo.text === null || echo.text === trimmed(sql))) {
      session.prepareEchoes = others;
      if (echo.name !== null) session.prepared.set(echo.name, kept(sql));
      this.#note(session);
      return echo.isHidden ? 'text' : 'echo';
    }
    const known = session.prepared.get(session.executing ?? '') ?? null;
    const isKnown = known === sql.slice(0, KEPT_TEXT);
    if (session.executeEchoes > 0) {
      return (known === null ? this.#preparesFirst : isKnown) ? 'echo' : 'client';
    }
    // Prepared again after the first try: the Execute row comes once more. MySQL never writes that
    // (9.7.4, tried: after ALTER TABLE there is one Execute row alone), and EXECUTE IMMEDIATE, which has
    // no name, has only just prepared.
    const isAgain =
      !this.#preparesFirst && session.executing !== null && (known === null || isKnown);
    if (isAgain && executed !== null && isValuesOf(executed, sql)) {
      session.executeEchoes++;
      this.#note(session);
      return 'echo';
    }
    return 'client';
  }

  /** Takes note of an Execute row. @returns whether it repeats an EXECUTE. */
  isExecute(session: Session, sql: string): boolean {
    if (session.executeEchoes === 0) return false;
    session.executeEchoes--;
    session.executed = sql;
    this.#note(session);
    return true;
  }

  /** The statement that would have caused them is over. */
  forget(session: Session): void {
    session.executing = null;
    if (session.prepareEchoes.length === 0 && session.executeEchoes === 0) return;
    for (const { name } of session.prepareEchoes) {
      if (name !== null) session.prepared.delete(name);
    }
    session.prepareEchoes = NO_ECHOES;
    session.executeEchoes = 0;
    this.#note(session);
  }
}

/** The beginning of a text. A copy: a slice would keep the whole text in memory. */
function kept(sql: string): string {
  return sql.length <= KEPT_TEXT ? sql : Buffer.from(sql.slice(0, KEPT_TEXT)).toString();
}
