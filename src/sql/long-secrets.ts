import { IN_OTHERS } from './secret-hints.ts';
import { withoutLeadingComments } from './text.ts';

/** Characters that two pieces of a text are looked at together in. */
const OVERLAP = 4096;

/** Bytes that can be looked at in one call. */
export const LONGEST_PIECE = 64 * 1024;

/** White space between two words, also where a literal writes it as `\n`. */
const SPACE = String.raw`(?:\s|\\[nrtbZ0]?)`;
/** What can stand between two words that belong together, but for comments. */
const BETWEEN = String.raw`(?:[\s(),;=:@.?'"\`]|\\[nrtbZ0]?)`;
/** A comment, or more than anybody writes between two words: nobody looks what comes behind it. */
const UNSEEN = String.raw`\/\*|#|--`;
const NAME = String.raw`(?:password|passwd|passphrase|pwd|secret_key|access_key|sst_auth)\d*`;

/**
 * Where a secret can begin in a statement on rows: IDENTIFIED BY and what it is misspelt as, a function
 * of the server's for passwords, a variable or an option that is named after what it holds.
 */
const IN_ROWS = new RegExp(
  [
    String.raw`(?:(?<![\w$])|(?<=\\[nrtbZ0]))ident[\w$\x80-\xff]*(?:${BETWEEN}{1,500}(?:by|via|with)|${BETWEEN}{0,500}(?:${UNSEEN})|${BETWEEN}{500})`,
    String.raw`(?:password|encrypt|password_strength|keyring_key_store)[\`"]?${SPACE}{0,500}(?:\(|${UNSEEN})`,
    String.raw`(?:password|encrypt|password_strength)${SPACE}{500}`,
    String.raw`mysql${BETWEEN}{1,500}(?:user|servers|global_priv|slave_master_info|password_history)`,
    String.raw`(?:@[\`'"]?[\w$]{0,64}|master_[\w$]{0,64}|source_)${NAME}[\`'"]?${SPACE}{0,500}(?:[=:<'"]|${UNSEEN}|${SPACE}{500})`,
    'authentication_string',
    'challenge_r',
    'rds_set_external',
    'rds_import_binlog_ssl',
    'spider_',
  ].join('|'),
  'gi',
);

/** Where a statement can begin that sets an option: behind a `;`, or in a literal or comment. */
const BEFORE = String.raw`(?:[;'"#]|--|\/\*(?:M?!\d*)?|\*\/)${SPACE}{0,500}`;
const BEGINNING = new RegExp(`;|${BEFORE}(?:change|start|set|grant|crea|alt)`, 'i');
/** Where, behind it, an option begins whose value is a secret. */
const OPTION = new RegExp(
  String.raw`(?:${NAME}|connection)(?:${SPACE}|[\`)(@]){0,500}(?:[=:<'"\w]|${UNSEEN}|(?:${SPACE}|[\`)(@]){500})|set${SPACE}{1,500}password|${BEFORE}(?:crea|alt)\w*${SPACE}{1,500}user`,
  'gi',
);

const ROWS = /^[\s(]*(?:insert|replace|update|delete|select|load)\b/i;

/** Where in a text, as it goes by words alone, the first secret may begin; -1 for nowhere. */
export function firstPlaceOfSecret(sql: string): number {
  return new LongSecrets(sql).find(sql);
}

/**
 * Looks for the first place at which a long text may hold a secret. `redactSecrets` reads whole texts,
 * and 10 to 25 MB/s; this goes by words that a secret must stand behind, however the quotes before them
 * match. It sees rather too much than too little: text in prose that says `identified by` is a place,
 * a column named `password` is none.
 */
export class LongSecrets {
  readonly #isOnRows: boolean;
  #hasBeginning = false;
  /** What is looked at together: the end of the bytes before, and these. */
  readonly #window = Buffer.allocUnsafeSlow(OVERLAP + LONGEST_PIECE);
  #used = 0;
  #returned = 0;

  /** @param beginning of the text: at least its first words, behind comments. */
  constructor(beginning: string) {
    this.#isOnRows = ROWS.test(withoutLeadingComments(beginning));
  }

  /**
   * @param bytes the next ones, at most `LONGEST_PIECE`.
   * @param isLast whether the text ends with them.
   * @returns of the text, behind what was returned as free before, what is known to be free of secrets,
   *   and what is not known yet; and whether a secret may begin there. Overwritten by the next call.
   */
  push(bytes: Buffer, isLast: boolean): { free: Buffer; rest: Buffer; mayFollow: boolean } {
    const window = this.#window;
    this.#used = window.copy(window, 0, this.#returned, this.#used);
    this.#used += bytes.copy(window, this.#used);
    // One character a byte: what is looked for is ASCII.
    const at = this.find(window.toString('latin1', 0, this.#used));
    const known = isLast ? this.#used : Math.max(0, this.#used - OVERLAP);
    const end = at === -1 ? known : at;
    this.#returned = end;
    const rest = window.subarray(end, this.#used);
    return { free: window.subarray(0, end), rest, mayFollow: at !== -1 };
  }

  /** Where in the text, behind what was looked at before, a secret may begin; -1 for nowhere. */
  find(text: string): number {
    if (!this.#isOnRows) return IN_OTHERS.exec(text)?.index ?? -1;
    IN_ROWS.lastIndex = 0;
    let at = IN_ROWS.exec(text)?.index ?? -1;
    let from = 0;
    if (!this.#hasBeginning) {
      const found = BEGINNING.exec(text);
      if (found === null) return at;
      this.#hasBeginning = true;
      from = found.index;
    }
    OPTION.lastIndex = from;
    const option = OPTION.exec(text)?.index ?? -1;
    if (at === -1 || (option !== -1 && option < at)) at = option;
    return at;
  }
}
