/**
 * What a MySQL command-line client would make of a statement that is fed to it as text. The client
 * cuts its input into statements itself and obeys commands of its own in it: with the mariadb client
 * 10.11 a recorded (and at the server failed) `SELECT 1 \! touch /tmp/x` or `system touch /tmp/x` ran
 * the shell command when the text was replayed, also behind a comment and inside one like a conditional one.
 * Only `--binary-mode` stops that, which nobody can be relied on to type. So whatever the client might
 * read otherwise than the server did is found here, with doubt decided against the statement.
 */
export interface ClientReading {
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

const NOTABLE = /['"`\\;#\0?]|--|\/\*|delimiter/i;
const CONDITIONAL_COMMENT = /\/\*(?:M?!|\+)/i;
const FIRST_WORD = /^\s*([A-Za-z_]+)/;

/** @param text of the statement; bytes that are not UTF-8 as latin1. */
export function readAsClient(text: string): ClientReading {
  if (!NOTABLE.test(text)) {
    const hasCode = /\S/.test(text);
    return { isSafe: !beginsWithCommand(text), hasCode, semicolons: [], endsInLineComment: false };
  }
  const plain = scan(text, false);
  if (!CONDITIONAL_COMMENT.test(text)) return plain;
  // Whether the inside of such a comment is code depends on the client and its version.
  const conditional = scan(text, true);
  const isAlike =
    plain.endsInLineComment === conditional.endsInLineComment &&
    plain.semicolons.length === conditional.semicolons.length;
  return { ...conditional, isSafe: plain.isSafe && conditional.isSafe && isAlike };
}

function beginsWithCommand(code: string): boolean {
  const word = FIRST_WORD.exec(code)?.[1];
  return word !== undefined && CLIENT_COMMANDS.has(word.toLowerCase());
}

const TOKEN = /['"`\\;#\0?]|--|\/\*|\*\/|delimiter/gi;
const END_OF_QUOTED: Record<string, RegExp> = {
  "'": /['\\]/g,
  '"': /["\\]/g,
  '`': /`/g,
};

function scan(text: string, conditionalIsCode: boolean): ClientReading {
  const semicolons: number[] = [];
  let isSafe = !text.includes('\0');
  let hasCode = false;
  let isOpen = false;
  let endsInLineComment = false;
  let conditionals = 0;
  let at = 0;

  const code = (from: number, to: number): void => {
    if (hasCode) return;
    const piece = text.slice(from, to);
    if (!/\S/.test(piece)) return;
    hasCode = true;
    if (beginsWithCommand(text.slice(from, from + 200).trimStart())) isSafe = false;
  };

  while (at < text.length) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text);
    code(at, token?.index ?? text.length);
    if (token === null) break;
    const start = token.index;
    at = start + token[0].length;
    switch (token[0].toLowerCase()) {
      case "'":
      case '"':
      case '`': {
        hasCode = true;
        const end = endOfQuoted(text, token[0], at);
        isOpen = end === -1;
        at = end === -1 ? text.length : end;
        break;
      }
      case '\\':
        // `\N` is NULL; everything else is a command to the client.
        if (text[at] !== 'N') isSafe = false;
        hasCode = true;
        break;
      case '?':
        // A command when it comes first, else a parameter.
        if (!hasCode) isSafe = false;
        hasCode = true;
        break;
      case ';':
        semicolons.push(start);
        break;
      case 'delimiter':
        // The client takes the word for its command wherever it stands outside of a string.
        isSafe = false;
        hasCode = true;
        break;
      case '--': {
        const next = text[at] ?? '\n';
        if (!/[\s\0-\x1f\x7f]/.test(next)) {
          // The server reads two minus signs; at the beginning the client reads a comment.
          if (!hasCode) isSafe = false;
          hasCode = true;
          break;
        }
        if (!/[ \t\n\v\f\r]/.test(next)) isSafe = false;
        at = endOfLine(text, at);
        endsInLineComment = at === text.length && !text.endsWith('\n');
        break;
      }
      case '#':
        at = endOfLine(text, at);
        endsInLineComment = at === text.length && !text.endsWith('\n');
        break;
      case '/*': {
        if (conditionalIsCode && CONDITIONAL_COMMENT.test(text.slice(start, start + 4))) {
          const opening = /^\/\*(?:M?!\d*|\+)/i.exec(text.slice(start, start + 16));
          at = start + (opening?.[0].length ?? 3);
          conditionals++;
          break;
        }
        const end = text.indexOf('*/', at);
        isOpen = end === -1;
        at = end === -1 ? text.length : end + 2;
        break;
      }
      case '*/':
        if (conditionals > 0) conditionals--;
        else hasCode = true;
        break;
      default:
        break;
    }
  }
  return {
    isSafe: isSafe && !isOpen && conditionals === 0,
    hasCode,
    semicolons,
    endsInLineComment,
  };
}

function endOfQuoted(text: string, quote: string, from: number): number {
  const pattern = END_OF_QUOTED[quote];
  if (pattern === undefined) return -1;
  let at = from;
  for (;;) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null) return -1;
    if (found[0] !== '\\') return found.index + 1;
    at = found.index + 2;
  }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end + 1;
}
