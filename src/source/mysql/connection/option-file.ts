/**
 * The password in one group of a MySQL option file, read as the server's own clients do
 * (https://dev.mysql.com/doc/refman/8.4/en/option-files.html, mysys/my_default.c): `#` and `;` begin a
 * comment line, `#` also one within a line, outside quotes; a value may stand in single or double quotes;
 * `\b \t \n \r \\ \s \' \"` are escapes; names of groups have no case; a later value wins. The option may be
 * shortened, and may be `loose-` or MySQL's `password1`. `!include` is not followed: a password reference
 * names the file that holds it.
 * @returns null when there is none; '' for one without a value, and for `skip-password`.
 */
export function readPassword(text: string, group: string): string | null {
  let password: string | null = null;
  let isCurrent = false;
  for (const raw of text.split('\n')) {
    const line = trimmed(raw);
    if (line === '' || /^[#;!]/.test(line)) continue;
    if (line.startsWith('[')) {
      // Only behind a name are spaces ignored (tried with both clients).
      const name = /^\[([^\]]*?)[ \t\v\f\r]*\]/.exec(line)?.[1];
      isCurrent = name?.toLowerCase() === group.toLowerCase();
    } else if (isCurrent) {
      password = valueIn(line) ?? password;
    }
  }
  return password;
}

/** The shortest that means nothing else to MariaDB's clients is `pas`; MySQL's know the whole word only. */
const PASSWORD = /^(?:loose[-_])*(?:pas(?:s(?:w(?:o(?:rd?)?)?)?)?|password1)$/i;
const NO_PASSWORD = /^(?:loose[-_])*(?:skip|disable)[-_]password$/i;

function valueIn(line: string): string | null {
  const whole = trimmed(withoutComment(line));
  const equals = whole.indexOf('=');
  const name = trimmed(equals === -1 ? whole : whole.slice(0, equals));
  if (NO_PASSWORD.test(name)) return '';
  if (!PASSWORD.test(name)) return null;
  return equals === -1 ? '' : unquoted(trimmed(whole.slice(equals + 1)));
}

/** Without what C calls spaces at both ends. */
function trimmed(text: string): string {
  return text.replace(/^[ \t\v\f\r]+/, '').replace(/[ \t\v\f\r]+$/, '');
}

/** A comment within a line begins at a `#` outside quotes; a backslash counts inside them only. */
function withoutComment(line: string): string {
  let quote = '';
  let isEscaped = false;
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at);
    if ((character === "'" || character === '"') && !isEscaped) {
      if (quote === '') quote = character;
      else if (quote === character) quote = '';
    }
    if (quote === '' && character === '#') return line.slice(0, at);
    isEscaped = quote !== '' && character === '\\' && !isEscaped;
  }
  return line;
}

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  t: '\t',
  n: '\n',
  r: '\r',
  s: ' ',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

function unquoted(text: string): string {
  const first = text.charAt(0);
  const isQuoted = text.length >= 2 && (first === '"' || first === "'") && text.endsWith(first);
  const value = isQuoted ? text.slice(1, -1) : text;
  return value.replace(/\\(.)/g, (whole, character: string) => ESCAPES[character] ?? whole);
}
