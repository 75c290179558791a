/**
 * Reads one group of a MySQL option file as the server's own clients do
 * (https://dev.mysql.com/doc/refman/8.4/en/option-files.html): `#` and `;` begin a comment line, `#`
 * also one within a line; `key`, `key=value`, spaces around both are ignored; a value may stand in
 * single or double quotes; `\b \t \n \r \\ \s` are escapes; `-` and `_` in a key are the same; a
 * later value wins. `!include` is not followed: a password reference names the file that holds it.
 */
export function readOptionGroup(text: string, group: string): Map<string, string> {
  const options = new Map<string, string>();
  let current: string | null = null;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';') || line.startsWith('!'))
      continue;
    const header = /^\[([^\]]*)\]/.exec(line);
    if (header !== null) {
      current = (header[1] ?? '').trim();
      continue;
    }
    if (current !== group) continue;
    const equals = line.indexOf('=');
    if (equals === -1) {
      options.set(keyOf(withoutComment(line)), '');
    } else {
      options.set(keyOf(line.slice(0, equals)), valueOf(line.slice(equals + 1)));
    }
  }
  return options;
}

function keyOf(text: string): string {
  return text.trim().replaceAll('_', '-').toLowerCase();
}

/** A comment within a line begins at a `#` outside quotes; inside them it is part of the value. */
function withoutComment(text: string): string {
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if (character === '\\') {
      i++;
    } else if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === "'" || character === '"') {
      quote = character;
    } else if (character === '#') {
      return text.slice(0, i);
    }
  }
  return text;
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

function valueOf(text: string): string {
  let value = withoutComment(text).trim();
  const first = value.charAt(0);
  if (value.length >= 2 && (first === '"' || first === "'") && value.endsWith(first)) {
    value = value.slice(1, -1);
  }
  return value.replace(/\\(.)/g, (whole, character: string) => ESCAPES[character] ?? whole);
}
