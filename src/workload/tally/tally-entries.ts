import {
  type DigestClass,
  LONGEST_EXAMPLE,
  MOST_ACCOUNTS,
  type UsedTable,
} from '../../core/reports/tally.ts';
import type { StatementFlag } from '../../core/workloads/statements.ts';
import { SliceCounts } from './slice-counts.ts';

/** Statements that have something in common. */
export class CountedStatements {
  count = 0;
  /** Microseconds since the epoch, of the first and the last in row order. */
  first = NaN;
  last = NaN;
  readonly slices = new SliceCounts();

  add(micros: number, slot: number): void {
    if (this.count === 0) this.first = micros;
    this.count++;
    this.last = micros;
    this.slices.add(slot, 1);
  }
}

/** The same with the rows that they are in: parts of it can be put together in any order. */
export class CountedRows extends CountedStatements {
  /** Of the first and the last statement, counted from the beginning. */
  firstRow = Infinity;
  lastRow = -1;
  /** Executes whose values are not known. */
  withoutValues = 0;
  /** Executes of prepared statements, also by `EXECUTE`. */
  prepared = 0;

  addRow(row: number, micros: number, slot: number): void {
    this.count++;
    this.slices.add(slot, 1);
    this.see(row, micros);
  }

  include(part: CountedRows): void {
    this.count += part.count;
    this.withoutValues += part.withoutValues;
    this.prepared += part.prepared;
    this.slices.include(part.slices);
    this.see(part.firstRow, part.first);
    this.see(part.lastRow, part.last);
  }

  private see(row: number, micros: number): void {
    if (row < this.firstRow) {
      this.firstRow = row;
      this.first = micros;
    }
    if (row > this.lastRow) {
      this.lastRow = row;
      this.last = micros;
    }
  }
}

/** A user at a host. */
export class AccountEntry extends CountedStatements {
  readonly user: string | null;
  readonly host: string | null;
  opened = 0;
  closed = 0;
  /** Microseconds, of the first and the last login or end. */
  firstSeen = NaN;
  lastSeen = NaN;

  constructor(user: string | null, host: string | null) {
    super();
    this.user = user;
    this.host = host;
  }

  see(micros: number): void {
    if (Number.isNaN(this.firstSeen)) this.firstSeen = micros;
    this.lastSeen = micros;
  }
}

/** Who sends statements, and where: what is the same for most of a session's. */
export interface Place {
  readonly user: string | null;
  readonly host: string | null;
  readonly db: string | null;
  /** null: there are more accounts than are counted one by one. */
  readonly account: AccountEntry | null;
  /** The same for what is counted of digests. */
  readonly sender: Sender | null;
}

/** An account, to what is counted of digests. */
export interface Sender {
  readonly user: string | null;
  readonly host: string | null;
}

/** What an account has sent of a digest. */
interface SenderCount {
  readonly sender: Sender;
  count: number;
  /** Of its first statement. */
  firstRow: number;
}

/** What the row of a session's EXECUTE is counted as: its echo says it, which comes behind it. */
export interface EchoedStatement {
  readonly digest: string;
  readonly text: string;
  readonly class: DigestClass | null;
  readonly tables: readonly UsedTable[];
  readonly example: StatementExample;
}

export class SessionEntry extends CountedStatements {
  readonly session: number;
  /** As of its last statement. */
  place: Place | null = null;
  openedBy: AccountEntry | null = null;
  /** Microseconds; NaN where it did not log in, or end, in what was counted. */
  opened = NaN;
  closed = NaN;
  /** The row of its login was its last one; then when it logged in before that. */
  isJustOpened = false;
  openedBefore = NaN;
  /** Its first row refuses its login, which is in the part before this one. */
  isRefused = false;
  /** An echo that came before anything else of it: of an EXECUTE in the part before this one. */
  openingEcho: EchoedStatement | null = null;
  /** Anything has come that ends the wait for an echo. */
  isUnderWay = false;

  constructor(session: number) {
    super();
    this.session = session;
  }
}

export interface StatementExample {
  readonly seq: number;
  readonly micros: number;
  readonly session: number;
  readonly user: string | null;
  readonly sql: string;
  readonly isCut: boolean;
  readonly flags: readonly StatementFlag[];
}

/** What a statement is besides its text: made once a digest. */
export interface StatementKindOf {
  readonly digest: string;
  readonly text: string;
  readonly db: string | null;
  readonly class: DigestClass | null;
  readonly tables: readonly UsedTable[];
}

export class DigestEntry extends CountedRows {
  readonly digest: string;
  readonly text: string;
  readonly db: string | null;
  readonly class: DigestClass | null;
  readonly tables: readonly UsedTable[];
  /** `MOST_ACCOUNTS` of them once settled, the first that came. */
  accounts: SenderCount[] = [];
  /** Where there are more than a search through them is quick for. */
  #bySender: Map<Sender, SenderCount> | null = null;
  otherAccounts = 0;
  example: StatementExample;
  /** Characters. */
  longestExample: number;
  /** Of the example, counted from the beginning. */
  exampleRow: number;

  constructor(about: StatementKindOf, example: StatementExample, row: number, longest: number) {
    super();
    this.digest = about.digest;
    this.text = about.text;
    this.db = about.db;
    this.class = about.class;
    this.tables = about.tables;
    this.example = example;
    this.exampleRow = row;
    this.longestExample = longest;
  }

  /** Whether a statement with these flags is the example rather: the first one that has its values. */
  prefers(flags: readonly StatementFlag[], row: number): boolean {
    const isLacking = lacksValues(this.example.flags);
    if (isLacking !== lacksValues(flags)) return isLacking;
    return row < this.exampleRow;
  }

  setExample(example: StatementExample, row: number): void {
    this.example = shortened(example, this.longestExample);
    this.exampleRow = row;
  }

  /**
   * @param row of the account's first statement in what is counted.
   * @param isRoom for more of them than are listed in the end.
   * @returns what it is, where it is none that was there before.
   */
  addAccount(
    sender: Sender | null,
    count: number,
    row: number,
    isRoom: boolean,
  ): 'listed' | 'further' | 'other' | null {
    if (sender === null) {
      this.otherAccounts += count;
      return 'other';
    }
    const known =
      this.#bySender === null
        ? this.accounts.find((one) => one.sender === sender)
        : this.#bySender.get(sender);
    if (known !== undefined) {
      known.count += count;
      if (row < known.firstRow) known.firstRow = row;
      return null;
    }
    const isListed = this.accounts.length < MOST_ACCOUNTS;
    if (!isListed && !isRoom) {
      this.otherAccounts += count;
      return 'other';
    }
    const added = { sender, count, firstRow: row };
    // An array that has grown has room for 17, and most digests have one account.
    if (this.accounts.length === 0) this.accounts = [added];
    else this.accounts.push(added);
    if (isListed) return 'listed';
    this.#bySender ??= new Map(this.accounts.map((one) => [one.sender, one]));
    this.#bySender.set(sender, added);
    return 'further';
  }

  /** Lists the accounts that came first. */
  settleAccounts(): void {
    this.accounts.sort((a, b) => a.firstRow - b.firstRow);
    for (const { count } of this.accounts.splice(MOST_ACCOUNTS)) this.otherAccounts += count;
    this.#bySender = null;
  }
}

/** Whether the server has logged it without the values that it was executed with. */
export function lacksValues(flags: readonly StatementFlag[]): boolean {
  return flags.length > 0 && flags.includes('unreplayable');
}

/** A text as an example; a copy, because a slice would keep all that it is a slice of. */
export function exampleText(
  sql: string,
  longest = LONGEST_EXAMPLE,
): Pick<StatementExample, 'sql' | 'isCut'> {
  if (sql.length <= longest) return { sql: copied(sql), isCut: false };
  const isWithinPair = (sql.charCodeAt(longest - 1) & 0xfc00) === 0xd800;
  return { sql: copied(sql.slice(0, longest - (isWithinPair ? 1 : 0))), isCut: true };
}

/** The same example, of so many characters at most. */
export function shortened(example: StatementExample, longest: number): StatementExample {
  return example.sql.length <= longest
    ? example
    : { ...example, ...exampleText(example.sql, longest) };
}

const SCRATCH = Buffer.allocUnsafeSlow(64 * 1024);
/** Bytes of a character at most. */
const LONGEST_CHARACTER = 3;

/**
 * The same text, held by nothing else: of one byte a character where that will do. By way of one buffer: new
 * ones are freed late, and 20 MB of them were about.
 */
export function copied(text: string): string {
  if (text.length * LONGEST_CHARACTER > SCRATCH.length) return Buffer.from(text).toString();
  return SCRATCH.toString('utf8', 0, SCRATCH.write(text));
}
