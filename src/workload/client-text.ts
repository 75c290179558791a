/**
 * What a MySQL command-line client would make of a statement that is fed to it as text. The client
 * cuts its input into statements itself and obeys commands of its own in it: with the mariadb client
 * 10.11 a recorded (and at the server failed) `SELECT 1 \! touch /tmp/x` or `system touch /tmp/x` ran
 * the shell command when the text was replayed, also behind a comment and inside one like a conditional one.
 * Only `--binary-mode` stops that, which nobody can be relied on to type. So whatever the client might
 * read otherwise than the server did is found here, with doubt decided against the statement. With
 * `--named-commands` the client looks for its commands at the beginning of every line that is in no
 * string and no comment: `SELECT 1⏎system touch /tmp/x` ran the command.
 *
 * A reader of its own: `Lexer` reads as the server does, and this is about where a client reads otherwise.
 */
interface ClientReading {
  /**
   * The statement, or one that means the same to the server: lines that would be commands are joined to
   * the line before, and a quote behind a backslash is written twice where that alone decides, under
   * NO_BACKSLASH_ESCAPES, what is string and what is code.
   */
  readonly text: string;
  /** False when it must not be given to a client. */
  readonly isSafe: boolean;
  /** False when there is nothing to run: only space and comments. */
  readonly hasCode: boolean;
  /** Positions of `;` that would end a statement: not in strings, not in comments. */
  readonly semicolons: readonly number[];
  readonly endsInLineComment: boolean;
}

/** The client's own commands; `use` and `help` are left out: the server is asked in the end. */
const CLIENT_COMMANDS = new Set(
  (
    'charset clear connect costs delimiter edit ego exit go nopager notee nowarning pager print prompt ' +
    'query_attributes quit rehash resetconnection sandbox source ssl_session_data_print status ' +
    'system tee warnings'
  ).split(' '),
);

/** Commands only at the beginning of a later line: as a first word the server gets them in the end. */
const LINE_COMMANDS = new Set([...CLIENT_COMMANDS, 'use', 'help']);

const NOTABLE = /['"`\\;#\0?\n]|--|\/\*|delimiter/i;
const CONDITIONAL_COMMENT = /\/\*(?:M?!|\+)/i;
const FIRST_WORD = /^\s*([A-Za-z_]+)/;

/** @param text of the statement; bytes that are not UTF-8 as latin1. */
export function readAsClient(text: string): ClientReading {
  if (!NOTABLE.test(text)) {
    const hasCode = /\S/.test(text);
    return {
      text,
      isSafe: !beginsWithCommand(text),
      hasCode,
      semicolons: [],
      endsInLineComment: false,
    };
  }
  const readings = readingsOf(text);
  if (areAlike(readings)) return readingOf(text, readings);
  const joined = withoutCommandLines(text, scan(text, CLIENT));
  const plain = readingsOf(joined);
  if (areAlike(plain)) return readingOf(joined, plain);
  const doubled = withDoubledQuotes(joined);
  const quoted = readingsOf(doubled);
  return { ...readingOf(doubled, quoted), isSafe: areAlike(quoted) && isSafe(quoted) };
}

/** How a client reads: whether conditional comments are code to it, and a backslash in a string escapes. */
interface Manner {
  readonly conditionalIsCode: boolean;
  readonly backslashEscapes: boolean;
}
const CLIENT: Manner = { conditionalIsCode: true, backslashEscapes: true };

/** What each client, of each version, under each SQL mode, could make of it. */
function readingsOf(text: string): [Scan, ...Scan[]] {
  const hasConditional = CONDITIONAL_COMMENT.test(text);
  const others: Scan[] = [];
  if (hasConditional) others.push(scan(text, { ...CLIENT, conditionalIsCode: false }));
  if (text.includes('\\')) {
    others.push(scan(text, { ...CLIENT, backslashEscapes: false }));
    if (hasConditional) {
      others.push(scan(text, { conditionalIsCode: false, backslashEscapes: false }));
    }
  }
  return [scan(text, CLIENT), ...others];
}

/** Whether all of them cut it alike, and none sees a line that is a command. */
function areAlike(readings: readonly [Scan, ...Scan[]]): boolean {
  const [first] = readings;
  return readings.every(
    (one) =>
      one.commandLines.length === 0 &&
      one.isOpen === first.isOpen &&
      one.endsInLineComment === first.endsInLineComment &&
      one.semicolons.length === first.semicolons.length &&
      one.semicolons.every((at, index) => at === first.semicolons[index]),
  );
}

function isSafe(readings: readonly Scan[]): boolean {
  return readings.every((one) => one.isSafe && !one.isOpen);
}

function readingOf(text: string, readings: readonly [Scan, ...Scan[]]): ClientReading {
  const [{ hasCode, semicolons, endsInLineComment }] = readings;
  return { text, isSafe: isSafe(readings), hasCode, semicolons, endsInLineComment };
}

/** Joins such lines to the code before; the space and the comments in between go. */
function withoutCommandLines(text: string, { commandLines }: Scan): string {
  const pieces: string[] = [];
  let at = 0;
  for (const { from, to } of commandLines) {
    pieces.push(text.slice(at, from), ' ');
    at = to;
  }
  return pieces.length === 0 ? text : pieces.join('') + text.slice(at);
}

function withDoubledQuotes(text: string): string {
  const pieces: string[] = [];
  let at = 0;
  for (const position of scan(text, CLIENT).escapedQuotes) {
    const quote = text.charAt(position + 1);
    pieces.push(text.slice(at, position), quote, quote);
    at = position + 2;
  }
  return pieces.join('') + text.slice(at);
}

function beginsWithCommand(code: string): boolean {
  const word = FIRST_WORD.exec(code)?.[1];
  return word !== undefined && CLIENT_COMMANDS.has(word.toLowerCase());
}

interface Scan {
  readonly isSafe: boolean;
  readonly hasCode: boolean;
  readonly semicolons: readonly number[];
  readonly endsInLineComment: boolean;
  /** A string or a comment that does not end. */
  readonly isOpen: boolean;
  /** Before each command at the beginning of a line: from the end of the code before to its word. */
  readonly commandLines: readonly { readonly from: number; readonly to: number }[];
  /** Backslashes before the quote of the string that they are in. */
  readonly escapedQuotes: readonly number[];
}

const TOKEN = /['"`\\;#\0?]|--|\/\*|\*\/|delimiter/gi;
const LINE_START = /\n\s*([A-Za-z_]*)/g;

function scan(text: string, { conditionalIsCode, backslashEscapes }: Manner): Scan {
  const semicolons: number[] = [];
  const commandLines: { from: number; to: number }[] = [];
  const escapedQuotes: number[] = [];
  let isSafe = !text.includes('\0');
  let hasCode = false;
  let isOpen = false;
  let endsInLineComment = false;
  let conditionals = 0;
  let at = 0;
  // Where the code before ends, and whether only space and comments stand in this line so far.
  let codeEnd = 0;
  let isLineStart = false as boolean;

  const noteWord = (word: string, position: number): void => {
    if (hasCode && LINE_COMMANDS.has(word.toLowerCase())) {
      commandLines.push({ from: codeEnd, to: position });
    }
  };

  const code = (from: number, to: number): void => {
    const piece = text.slice(from, to);
    const first = /\S/.exec(piece);
    if (first === null) {
      if (piece.includes('\n')) isLineStart = true;
      return;
    }
    if (!hasCode) {
      if (beginsWithCommand(text.slice(from, from + 200).trimStart())) isSafe = false;
    } else if (isLineStart || piece.lastIndexOf('\n', first.index) !== -1) {
      const [word = ''] = /^[A-Za-z_]+/.exec(piece.slice(first.index, first.index + 40)) ?? [];
      noteWord(word, from + first.index);
    }
    hasCode = true;
    codeEnd = from + first.index + 1;
    LINE_START.lastIndex = first.index;
    for (let line = LINE_START.exec(piece); line !== null; line = LINE_START.exec(piece)) {
      const [whole, word = ''] = line;
      codeEnd = from + line.index;
      if (word !== '') noteWord(word, from + line.index + whole.length - word.length);
    }
    const end = piece.trimEnd().length;
    codeEnd = from + end;
    isLineStart = piece.includes('\n', end);
  };
  const token = (end: number): void => {
    hasCode = true;
    isLineStart = false;
    codeEnd = end;
  };
  const lineComment = (): void => {
    at = endOfLine(text, at);
    endsInLineComment = at === text.length && !text.endsWith('\n');
    isLineStart = true;
  };

  while (at < text.length) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    code(at, found?.index ?? text.length);
    if (found === null) break;
    const start = found.index;
    at = start + found[0].length;
    switch (found[0].toLowerCase()) {
      case "'":
      case '"':
      case '`': {
        const escapes = backslashEscapes && found[0] !== '`';
        const end = endOfQuoted(text, found[0], at, escapes, escapedQuotes);
        isOpen = end === -1;
        at = end === -1 ? text.length : end;
        token(at);
        break;
      }
      case '\\':
        // `\N` is NULL; everything else is a command to the client.
        if (text[at] !== 'N') isSafe = false;
        token(at);
        break;
      case '?':
        // A command when it comes first in the statement or in a line, else a parameter.
        if (!hasCode || isLineStart) isSafe = false;
        token(at);
        break;
      case ';':
        semicolons.push(start);
        // Behind it a line is the first of a statement, or one as any other.
        codeEnd = at;
        isLineStart = false;
        break;
      case 'delimiter':
        // The client takes the word for its command wherever it stands outside of a string.
        isSafe = false;
        token(at);
        break;
      case '--': {
        const next = text[at] ?? '\n';
        if (!/[\s\0-\x1f\x7f]/.test(next)) {
          // The server reads two minus signs; at the beginning the client reads a comment.
          if (!hasCode) isSafe = false;
          token(at);
          break;
        }
        if (!/[ \t\n\v\f\r]/.test(next)) isSafe = false;
        lineComment();
        break;
      }
      case '#':
        lineComment();
        break;
      case '/*': {
        if (conditionalIsCode && CONDITIONAL_COMMENT.test(text.slice(start, start + 4))) {
          const opening = /^\/\*(?:M?!\d*|\+)/i.exec(text.slice(start, start + 16));
          at = start + (opening?.[0].length ?? 3);
          conditionals++;
          isLineStart = false;
          codeEnd = at;
          break;
        }
        const end = text.indexOf('*/', at);
        isOpen = end === -1;
        at = end === -1 ? text.length : end + 2;
        // `/* a /*/`: the server ends the comment there, a client goes on in it.
        if (text.slice(start + 2, at).includes('/*')) isSafe = false;
        // A line that begins in a comment is none that begins with a command.
        if (text.slice(start, at).includes('\n')) isLineStart = false;
        break;
      }
      case '*/':
        if (conditionals > 0) conditionals--;
        else {
          // No end of anything: what follows the star may begin a comment, `*/*`.
          at = start + 1;
          isSafe = false;
          hasCode = true;
        }
        isLineStart = false;
        codeEnd = at;
        break;
      default:
        break;
    }
  }
  return {
    isSafe: isSafe && conditionals === 0,
    hasCode,
    semicolons,
    endsInLineComment,
    isOpen,
    commandLines,
    escapedQuotes,
  };
}

const NEXT_IN_QUOTED: Readonly<Record<string, RegExp>> = {
  "'": /['\\]/g,
  '"': /["\\]/g,
};

/** @param escaped gets the positions of backslashes before the quote. */
function endOfQuoted(
  text: string,
  quote: string,
  from: number,
  backslashEscapes: boolean,
  escaped: number[],
): number {
  const pattern = NEXT_IN_QUOTED[quote];
  if (!backslashEscapes || pattern === undefined) {
    const end = text.indexOf(quote, from);
    return end === -1 ? -1 : end + 1;
  }
  let at = from;
  for (;;) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null) return -1;
    if (found[0] !== '\\') return found.index + 1;
    if (text[found.index + 1] === quote) escaped.push(found.index);
    at = found.index + 2;
  }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end + 1;
}
