import { escapeText } from '../../display/escape.ts';
import { displayWidth, fillLines, wordsOf } from './width.ts';

/** What the commands that our sentences offer begin with. */
const PROGRAMS = new Set(['captures', 'chmod', 'npm', 'unset', 'source', 'echo', 'fuser']);
const SQL = new Set(['GRANT', 'REVOKE', 'ALTER', 'SET', 'CREATE', 'DROP', 'INSTALL']);

/**
 * Breaks a sentence at spaces into lines of at most `width` columns. Commands to paste (what
 * follows a colon, or begins the text) and long words stay whole, even where they are wider.
 */
export function messageLines(text: string, width: number, indent = 0): string[] {
  return displayWidth(text) <= width ? [text] : fillLines(unitsOf(text), width, { indent });
}

/** The same as one text; every line but the first is indented. */
export function wrapMessage(text: string, width: number, indent = '  '): string {
  return messageLines(text, width, indent.length).join(`\n${indent}`);
}

/**
 * A label and a text beside it, escaped, in as many lines as it needs.
 * @param paint the colours of the label and of the text; absent: none.
 */
export function hanging(
  label: string,
  text: string,
  width: number,
  paint: { label?: (label: string) => string; text?: (line: string) => string } = {},
): string[] {
  const room = Math.max(width - label.length, 20);
  const blank = ' '.repeat(label.length);
  return messageLines(escapeText(text), room).map((line, index) => {
    const head = index === 0 ? (paint.label?.(label) ?? label) : blank;
    return `${head}${paint.text?.(line) ?? line}`;
  });
}

/** Words, and commands that are one piece. */
function unitsOf(text: string): string[] {
  const units: string[] = [];
  let command: string[] | null = null;
  let isSql = false;
  for (const word of wordsOf(text)) {
    const before: string | undefined = units.at(-1);
    if (command === null && (before === undefined || before.endsWith(':'))) {
      isSql = SQL.has(word);
      if (isSql || PROGRAMS.has(word)) {
        command = [word];
        continue;
      }
    }
    if (command === null) {
      units.push(word);
      continue;
    }
    command.push(word);
    if (!isInQuotes(command) && (isSql ? /;$/ : /[;.,)]$/).test(word)) {
      units.push(command.join(' '));
      command = null;
    }
  }
  return command === null ? units : [...units, command.join(' ')];
}

function isInQuotes(words: readonly string[]): boolean {
  return words.join(' ').replaceAll("'\\''", '').split("'").length % 2 === 0;
}
