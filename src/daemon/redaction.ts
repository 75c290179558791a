import type {
  LoggedStatement,
  StatementFlag,
  StatementKind,
} from '../core/workloads/statements.ts';
import { redactLiterals } from '../sql/literals.ts';
import { Pseudonyms } from '../sql/pseudonyms.ts';
import { redactText } from '../sql/secrets.ts';
import { LineSerialiser, type LineTail } from '../workload/statement-line.ts';

/** Rows whose text is no statement: names of users and databases stay. */
const NO_STATEMENTS: ReadonlySet<StatementKind> = new Set([
  'connect',
  'init_db',
  'change_user',
  'close',
  'quit',
]);

/** Redaction of the literals of one capture: what it records instead of what was received. */
export class Redaction {
  readonly #pseudonyms: Pseudonyms;
  readonly #lines = new LineSerialiser();

  /** @param key the store's, see `Store.pseudonymKey`. */
  constructor(key: Buffer) {
    this.#pseudonyms = new Pseudonyms(key);
  }

  apply(statements: readonly LoggedStatement[]): {
    statements: readonly LoggedStatement[];
    tails: readonly LineTail[];
  } {
    const redacted = statements.map((statement) => this.#redacted(statement));
    return { statements: redacted, tails: this.#lines.tails(redacted) };
  }

  #redacted(statement: LoggedStatement): LoggedStatement {
    if (NO_STATEMENTS.has(statement.kind)) return statement;
    const { long, ...short } = statement;
    const text = redactText(short, (sql) => redactLiterals(sql, this.#pseudonyms));
    if (long !== undefined) {
      // Redacted, a statement is wanted for its form, which its beginning has.
      const flags = new Set<StatementFlag>([...short.flags, 'partial', 'redacted']);
      return { ...short, ...text, flags: [...flags] };
    }
    if (text === null) return statement;
    const { flags } = statement;
    return {
      ...statement,
      ...text,
      flags: flags.includes('redacted') ? flags : [...flags, 'redacted'],
    };
  }
}
