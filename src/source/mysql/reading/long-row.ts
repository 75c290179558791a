import { isUtf8 } from 'node:buffer';
import type { BatchPart } from '../../../core/source.ts';
import {
  LONG_TEXT,
  LONGEST_TEXT,
  type LoggedStatement,
  type StatementFlag,
  type TextSpool,
} from '../../../core/workloads/statements.ts';
import { characterEnd } from '../../../sql/characters.ts';
import { ANY_LOGGED_BYTE, LOGGED_BYTE_LENGTH } from '../../../sql/lexer.ts';
import { LONGEST_PIECE, LongSecrets } from '../../../sql/long-secrets.ts';
import { mayHoldSecret, SecretHint } from '../../../sql/secret-hints.ts';
import { redactSecrets, redactText, type StatementText } from '../../../sql/secrets.ts';
import { TextScan } from '../../../sql/text-scan.ts';
import { fieldAt } from '../connection/row-packets.ts';
import type { RowForm, StatementDecoder } from './statement-decoder.ts';

/** What of a text is looked at to follow its session, to choose it and to classify it. */
const BEGINNING_BYTES = 64 * 1024;
/** The fields before the text: a time, a user and host, a number, a word. */
const FIELDS_BYTES = 2 * 1024;
const FIELDS = 4;

/**
 * Up to so many bytes secrets are taken out of a text as out of every other, which holds the event loop
 * for up to 0.2 s; a longer one is cut where one may begin.
 */
const REDACTABLE_BYTES = 1024 * 1024;

const NOTHING = Buffer.alloc(0);

/**
 * A row of the log whose text is too long for the memory. Its beginning is decoded like every row; the
 * text goes piece by piece into a spool, as far as it is recorded, and what is beyond is passed over.
 */
export class LongRow {
  readonly #decoder: StatementDecoder;
  readonly #form: RowForm;
  readonly #spool: TextSpool | null;
  readonly #scan = new TextScan();
  /** Of a text that is cut where a secret may begin, and of one from which secrets are taken out. */
  #secrets: LongSecrets | null = null;
  #hint: SecretHint | null = null;

  /** The row until its beginning is known; later what of the text has come and is not looked at yet. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  #isWhole = false;
  /** undefined until the beginning is there; null for a row of our own. */
  #statement: LoggedStatement | null | undefined = undefined;

  /** Bytes of the text, as the server logged it. */
  #textBytes = 0;
  /** Bytes of it that are recorded. */
  #recorded = 0;
  #isBegun = false;
  /** Why the rest is not recorded; null as long as it is. */
  #end: 'secret' | 'longest' | null = null;
  #hasEscapes = false;
  #tail: Buffer = NOTHING;

  constructor(decoder: StatementDecoder, form: RowForm, spool: TextSpool | null) {
    this.#decoder = decoder;
    this.#form = form;
    this.#spool = spool;
  }

  /**
   * Takes the next piece of the row.
   * @returns whether it was the one with which the statement's beginning was decoded: the decoder's
   *   `time` is that of this row.
   */
  push(bytes: Buffer, isLast: boolean): boolean {
    this.#pieces.push(bytes);
    this.#pieceBytes += bytes.length;
    this.#isWhole = isLast;
    const isBeginning =
      this.#statement === undefined &&
      (isLast || this.#pieceBytes >= FIELDS_BYTES + BEGINNING_BYTES);
    if (isBeginning) this.#decode();
    return isBeginning;
  }

  /** Looks at what has come since the last call, and puts it into the spool. */
  async store(): Promise<void> {
    if (this.#statement === undefined) return;
    const pieces = this.#pieces;
    this.#pieces = [];
    if (this.#statement === null || this.#spool === null) return;
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; at += LONGEST_PIECE) {
        await this.#look(piece.subarray(at, at + LONGEST_PIECE), false);
      }
    }
    if (this.#isWhole) await this.#look(NOTHING, true);
  }

  /** The row as a batch of its own, once it is whole and stored. */
  async batch(): Promise<BatchPart> {
    const statement = this.#statement ?? null;
    const statements = statement === null ? [] : [await this.#recordedStatement(statement)];
    return { rows: 1, statements, interruption: null };
  }

  #decode(): void {
    const buffer = Buffer.concat(this.#pieces);
    const textAt = this.#textAt(buffer);
    const end = Math.min(buffer.length, textAt + BEGINNING_BYTES);
    const span = { buffer, start: 0, end: characterEnd(buffer, end) };
    this.#statement = this.#decoder.decode(span, true);
    if (this.#statement !== null) {
      const { sql } = this.#statement;
      if (this.#textBytes <= REDACTABLE_BYTES) this.#hint = new SecretHint(sql);
      else this.#secrets = new LongSecrets(sql);
    }
    this.#pieces = [buffer.subarray(textAt)];
  }

  /** Where the text begins in the row, whose fields are length-encoded; notes its length. */
  #textAt(buffer: Buffer): number {
    for (let at = 0, field = 0; ; field++) {
      const { begin, length } = fieldAt(buffer, at);
      if (field === FIELDS) {
        this.#textBytes = length ?? 0;
        return begin;
      }
      at = begin + (length ?? 0);
    }
  }

  async #look(piece: Buffer, isLast: boolean): Promise<void> {
    if (this.#end !== null || this.#spool === null) return;
    // One character a byte: what is looked for is ASCII.
    this.#hint?.push(piece.toString('latin1'));
    let bytes = piece;
    if (this.#secrets !== null) {
      const { free, mayFollow } = this.#secrets.push(piece, isLast);
      bytes = free;
      if (mayFollow) this.#end = 'secret';
    }
    const room = LONGEST_TEXT - this.#recorded;
    if (bytes.length > room) {
      bytes = bytes.subarray(0, characterEnd(bytes, room));
      this.#end = 'longest';
    }
    if (!this.#isBegun) {
      this.#isBegun = true;
      await this.#spool.begin();
    }
    if (bytes.length === 0) return;
    this.#scan.push(bytes);
    this.#noteEscapes(bytes);
    this.#recorded += bytes.length;
    await this.#spool.add(bytes);
  }

  /** Without a string for each piece: what is thrown away makes the heap grow. */
  #noteEscapes(bytes: Buffer): void {
    if (this.#hasEscapes || this.#form.anyBytes) return;
    const seam = Buffer.concat([this.#tail, bytes.subarray(0, LOGGED_BYTE_LENGTH - 1)]);
    this.#hasEscapes = hasEscapedByte(seam) || hasEscapedByte(bytes);
    this.#tail = Buffer.from(bytes.subarray(1 - LOGGED_BYTE_LENGTH));
  }

  async #recordedStatement(beginning: LoggedStatement): Promise<LoggedStatement> {
    const spool = this.#spool;
    if (spool === null) {
      const { sql } = beginning;
      const redacted = mayHoldSecret(sql) ? redactSecrets(sql) : null;
      const flags = [...beginning.flags, 'partial' as const];
      if (redacted !== null) flags.push('redacted');
      return { ...beginning, sql: redacted ?? sql, bytes: null, flags };
    }
    const bytes = this.#recorded;
    const { furtherStatements } = this.#scan;
    const flags = this.#flags(beginning);
    if (this.#hint?.mayHold === true) {
      const redacted = redactText(this.#read(await this.#text(spool)), redactSecrets);
      if (redacted !== null) return { ...beginning, ...redacted, flags: [...flags, 'redacted'] };
    }
    if (bytes < LONG_TEXT) {
      return { ...beginning, ...this.#read(await this.#text(spool)), flags };
    }
    const long = {
      bytes,
      isUtf8: !this.#form.anyBytes || (await this.#isUtf8(spool)),
      furtherStatements,
      pieces: () => spool.pieces(bytes),
    };
    return { ...beginning, bytes: null, flags, long };
  }

  /** All of the text that is there, in memory. */
  async #text(spool: TextSpool): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of spool.pieces(this.#recorded)) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  }

  #read(text: Buffer): StatementText {
    const isText = !this.#form.anyBytes || isUtf8(text);
    return { sql: text.toString('utf8'), bytes: isText ? null : text };
  }

  async #isUtf8(spool: TextSpool): Promise<boolean> {
    for await (const piece of spool.pieces(this.#recorded)) {
      if (!isUtf8(piece)) return false;
    }
    return true;
  }

  #flags({ kind, flags }: LoggedStatement): StatementFlag[] {
    const all = new Set(flags);
    if (this.#hasEscapes) all.add('lossy');
    if (kind === 'execute' && !all.has('echo') && this.#scan.hasPlaceholder) {
      all.add('unreplayable');
    }
    if (this.#end !== null || this.#textBytes >= this.#form.cutAt) all.add('partial');
    if (this.#end === 'secret') all.add('redacted');
    return FLAG_ORDER.filter((flag) => all.has(flag));
  }
}

function hasEscapedByte(bytes: Buffer): boolean {
  for (let at = bytes.indexOf('\\x'); at !== -1; at = bytes.indexOf('\\x', at + 1)) {
    if (ANY_LOGGED_BYTE.test(bytes.toString('latin1', at, at + LOGGED_BYTE_LENGTH))) return true;
  }
  return false;
}

/** As other statements have them. */
const FLAG_ORDER: readonly StatementFlag[] = [
  'lossy',
  'unreplayable',
  'echo',
  'partial',
  'redacted',
];
