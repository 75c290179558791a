import type { Digest, Digester } from '../../sql/digest.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;

/**
 * The text of a record, of which a string is made when it is asked for: of most statements the digest is
 * enough, which is read from the bytes of their line. One object serves for all records.
 */
export class RecordText {
  readonly #digester: Digester;
  readonly #textOf = (start: number, end: number): string => {
    return (this.#text = this.#stringIn(start, end));
  };
  #bytes: Buffer = Buffer.alloc(0);
  /** Of the JSON string in the bytes, without its quotes. */
  #start = 0;
  #end = 0;
  #text: string | null = '';
  #digest: Digest | null = null;

  constructor(digester: Digester) {
    this.#digester = digester;
  }

  set text(text: string) {
    this.#text = text;
    this.#digest = null;
  }

  get text(): string {
    return (this.#text ??= this.#stringIn(this.#start, this.#end));
  }

  get digest(): Digest {
    return (this.#digest ??= this.#digester.of(this.text));
  }

  /**
   * Takes the JSON string that begins behind a quote in a line.
   * @param isStatement its digest will be asked for.
   * @returns where its closing quote stands; -1 when it is no JSON string.
   */
  read(line: Buffer, start: number, isStatement: boolean): number {
    this.#bytes = line;
    this.#start = start;
    this.#text = null;
    this.#digest = isStatement ? this.#digester.ofJson(line, start, this.#textOf) : null;
    if (this.#digest !== null) return (this.#end = this.#digester.end);
    this.#end = endOfString(line, start);
    if (this.#end === -1) return -1;
    try {
      this.#text = this.#stringIn(start, this.#end);
    } catch {
      return -1;
    }
    if (isStatement) this.#digest = this.#digester.ofOther(this.#text);
    return this.#end;
  }

  /** @throws SyntaxError for wrong escapes. */
  #stringIn(start: number, end: number): string {
    const bytes = this.#bytes;
    let bits = 0;
    let at = start;
    for (; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === BACKSLASH) break;
      bits |= byte;
    }
    if (at < end) return String(JSON.parse(bytes.toString('utf8', start - 1, end + 1)));
    return bits < 0x80 ? bytes.toString('latin1', start, end) : bytes.toString('utf8', start, end);
  }
}

/** Where the closing quote of a JSON string stands; -1 where a line ends before it. */
function endOfString(line: Buffer, start: number): number {
  let at = start;
  for (let byte = line[at] ?? 0; byte !== QUOTE; byte = line[++at] ?? 0) {
    if (byte < SPACE) return -1;
    if (byte === BACKSLASH) at++;
  }
  return at;
}
